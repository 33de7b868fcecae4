use super::*;

fn read(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_read_from(line.split_whitespace())
}

#[test]
fn the_definition_is_sound() {
    definition().debug_assert();
    let help = definition().render_help().to_string();
    let serve = help.lines().find(|line| line.trim().starts_with("serve "));
    let words = serve.unwrap_or_default().split_whitespace();
    assert!(
        words.eq(["serve", "Serve", "the", "hosted", "modules"]),
        "{help}"
    );
}

#[test]
fn no_command_serves_everything() {
    let inputs = read("cleave").unwrap().inputs();
    assert_eq!((inputs.purpose, inputs.only), (Purpose::Serve, vec![]));
}

#[test]
fn only_takes_a_list() {
    let inputs = read("cleave serve --only users,orders").unwrap().inputs();
    assert_eq!(inputs.only, [Module::Users, Module::Orders]);
    assert_eq!(read("cleave serve --only shop").unwrap_err().exit_code(), 2);
}

#[test]
fn settings_may_stand_before_and_after_the_command() {
    let line =
        "cleave --set a=1 --config x.toml admin --set b=2 create --email a@example.org --set c=3,4";
    let cli = read(line).unwrap();
    assert_eq!(cli.layers.set, ["a=1", "b=2", "c=3,4"]);
    assert_eq!(cli.layers.config, Some("x.toml".into()));
    let cli = read("cleave --config x.toml config --json --config y.toml").unwrap();
    assert_eq!(cli.layers.config, Some("y.toml".into()));
}

#[test]
fn every_command_of_the_contract_is_read() {
    for line in [
        "cleave migrate",
        "cleave migrate users orders --check --json",
        "cleave admin create --email a@example.org --password-stdin",
        "cleave demo --products 1 --users 2 --orders 3 --seed 4",
        "cleave import a.csv b.ndjson --json",
        "cleave export",
        "cleave export --format csv",
        "cleave export --format ndjson products.ndjson --json",
        "cleave dial",
        "cleave dial products --json",
        "cleave dial products shadow --percent 50 --url http://127.0.0.1:8101",
        "cleave dial products remote --force",
        "cleave events",
        "cleave events --json",
        "cleave events orders --json",
        "cleave events parked",
        "cleave events orders parked --limit 5 --cursor NQ --json",
        "cleave events orders replay 7 --json",
        "cleave events users replay --all",
        "cleave events replay --all",
        "cleave doctor --json",
        "cleave backup orders orders.dump",
        "cleave backup orders orders.dump --force --json",
        "cleave restore orders orders.dump",
        "cleave restore orders orders.dump --yes --json",
        "cleave reconcile",
        "cleave reconcile --repair --json",
        "cleave healthcheck",
        "cleave personal-data --email a@example.org --json",
        "cleave personal-data --user 0198c5a0-0000-7000-8000-000000000000 --text a --text b",
        "cleave openapi",
        "cleave config --json",
    ] {
        read(line).unwrap();
    }
    for line in [
        "cleave import",
        "cleave export --format xml",
        "cleave export a b",
        "cleave admin create",
        "cleave admin create --email nope",
        "cleave backup orders",
        "cleave backup shop shop.dump",
        "cleave restore orders.dump",
        "cleave dance",
        "cleave personal-data",
        "cleave personal-data --email",
        "cleave personal-data --text=",
        "cleave personal-data --user ada",
        "cleave migrate shop",
        "cleave dial shop",
        "cleave dial products away",
        "cleave dial products --percent 10",
        "cleave dial products --url http://127.0.0.1:8101",
        "cleave dial products canary --percent 101",
        "cleave dial products remote --percent 50",
        "cleave events shop",
        "cleave events orders replay",
        "cleave events orders replay x",
        "cleave events orders replay 7 --all",
        "cleave events replay 7",
        "cleave events parked --cursor NQ",
        "cleave events orders parked --limit 101",
    ] {
        assert_eq!(read(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

#[test]
fn a_command_asks_for_the_databases_it_works_on() {
    let purpose = |line| read(line).unwrap().inputs().purpose;
    assert_eq!(
        purpose("cleave migrate orders"),
        Purpose::Databases(vec![Module::Orders])
    );
    assert_eq!(purpose("cleave healthcheck"), Purpose::Ask);
    assert_eq!(purpose("cleave dial"), Purpose::Ask);
    assert_eq!(purpose("cleave config"), Purpose::Serve);
}
