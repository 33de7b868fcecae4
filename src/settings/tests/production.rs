//! What production refuses, what is not there yet, and who is hosted.

use super::support::Start;
use crate::settings::*;

#[test]
fn a_complete_production_starts() {
    let mut settings = Start::production().load();
    assert_eq!(settings.environment, Environment::Production);
    assert!(!settings.needs_embedded(&Module::ALL));
    assert_eq!(
        settings.generate_missing_secrets().unwrap().ops_token_file,
        None
    );
}

#[test]
fn production_refuses_missing_and_weak_secrets_by_name() {
    let start = Start::production().without("CLEAVE__AUTH__SECRET");
    let file = start.write("token", "product-service-secret-key-change-in-production\n");
    let problems = start
        .env("CLEAVE__INTERNAL__SECRET", "short")
        .without("CLEAVE__OPS__TOKEN")
        .env("CLEAVE__OPS__TOKEN_FILE", file.to_str().unwrap())
        .problems();
    assert_eq!(problems.len(), 3, "{problems:#?}");
    assert!(problems[0].starts_with("auth.secret: missing; production needs at least 32 bytes of its own in CLEAVE__AUTH__SECRET or"));
    assert!(
        problems[1].starts_with(
            "internal.secret (environment CLEAVE__INTERNAL__SECRET): has only 5 bytes;"
        )
    );
    assert!(
        problems[2]
            .starts_with("ops.token (environment CLEAVE__OPS__TOKEN_FILE, token): is a sample")
    );
}

#[test]
fn production_does_not_use_secrets_of_development() {
    let start = Start::new();
    start.load().generate_missing_secrets().unwrap();
    let problems = start.env("CLEAVE__ENVIRONMENT", "production").problems();
    assert_eq!(
        problems
            .iter()
            .filter(|line| line.contains(": missing"))
            .count(),
        6,
        "{problems:#?}"
    );
}

#[test]
fn production_refuses_the_embedded_postgres_unless_allowed() {
    const URL: &str = "CLEAVE__MODULES__USERS__DATABASE_URL";
    let problems = Start::production().without(URL).problems();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("modules.users.database_url: missing; production does not use")
    );
    let off = "modules.users.mode=off";
    Start::production()
        .without(URL)
        .set(off)
        .set("modules.orders.mode=off")
        .load();
    Start::production()
        .without(URL)
        .set("embedded.allow_in_production=true")
        .load();
    Start::production()
        .without(URL)
        .purpose(Purpose::Databases(vec![Module::Orders]))
        .load();
    Start::production()
        .without(URL)
        .purpose(Purpose::Ask)
        .load();
}

#[test]
fn what_does_not_work_yet_is_warned_of() {
    let settings = Start::new()
        .env("CLEAVE__REDIS__URL", "redis://cache/0")
        .env("CLEAVE__MODULES__ORDERS__REDIS_URL", "redis://cache/3")
        .load();
    assert_eq!(settings.warnings.len(), 1, "{:#?}", settings.warnings);
    assert_eq!(
        settings.warnings[0],
        "modules.orders.redis_url (environment CLEAVE__MODULES__ORDERS__REDIS_URL): is not available in this version; orders asks its database, and keeps nothing in Redis"
    );
}

#[test]
fn only_overrides_the_modes() {
    let settings = Start::new()
        .set("modules.users.mode=off")
        .only(&[Module::Users])
        .load();
    assert_eq!(settings.hosted().collect::<Vec<_>>(), [Module::Users]);
    assert_eq!(settings.modules.get(Module::Orders).mode, Mode::Off);
    assert_eq!(
        settings.source("modules.users.mode").unwrap().to_string(),
        "--only users"
    );
}

#[test]
fn orders_needs_the_other_two() {
    let problems = Start::new().only(&[Module::Orders]).problems();
    assert_eq!(
        problems,
        [
            "modules.users.url: orders needs users: set modules.users.url (CLEAVE__MODULES__USERS__URL) or host it",
            "modules.products.url: orders needs products: set modules.products.url (CLEAVE__MODULES__PRODUCTS__URL) or host it",
        ]
    );
    Start::new()
        .only(&[Module::Orders])
        .purpose(Purpose::Databases(vec![Module::Orders]))
        .load();
    let off = Start::new()
        .set("modules.users.mode=off")
        .set("modules.users.url=http://users:8100")
        .problems();
    assert_eq!(
        off,
        [
            "modules.users.mode (--set): orders needs users: set modules.users.mode to remote or local"
        ]
    );
    let unknown = Start::new().set("modules.products.mode=off").problems();
    assert_eq!(
        unknown,
        [
            "modules.products.mode (--set): orders needs products: set modules.products.mode to remote and modules.products.url (CLEAVE__MODULES__PRODUCTS__URL), or to local"
        ]
    );
    let nowhere = Start::new().set("modules.products.mode=remote").problems();
    assert_eq!(
        nowhere,
        [
            "modules.products.url: missing; modules.products.mode = remote needs it (CLEAVE__MODULES__PRODUCTS__URL)"
        ]
    );
    let elsewhere = Start::new()
        .only(&[Module::Users, Module::Orders])
        .set("modules.products.url=http://p:8100")
        .load();
    assert_eq!(elsewhere.modules.get(Module::Products).mode, Mode::Remote);
}

#[test]
fn what_is_not_built_in_cannot_be_hosted() {
    let settings = Start::new().built(&[Module::Users]).load();
    assert_eq!(settings.hosted().collect::<Vec<_>>(), [Module::Users]);
    let source = settings.source("modules.orders.mode").unwrap().to_string();
    assert_eq!(source, "default, built without this module");
    for start in [
        Start::new().set("modules.products.mode=local"),
        Start::new().only(&[Module::Users, Module::Products]),
    ] {
        let problems = start.built(&[Module::Users]).problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains("built without products")
                && problems[0].contains("feature products"),
            "{problems:?}"
        );
    }
}
