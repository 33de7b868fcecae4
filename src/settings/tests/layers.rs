//! Layers, sources and the messages of what is refused.

use secrecy::ExposeSecret;

use super::support::Start;
use crate::settings::*;

#[test]
fn later_layers_win() {
    let file = "migrate = \"off\"\n[server]\npublic = \"127.0.0.1:1\"\nprivate = \"127.0.0.1:2\"\n";
    let settings = Start::new()
        .config(file)
        .env("CLEAVE__SERVER__PUBLIC", "127.0.0.1:3")
        .env("CLEAVE__SERVER__PRIVATE", "127.0.0.1:4")
        .set("server.private=localhost:5")
        .load();
    assert_eq!(settings.migrate, MigrateMode::Off);
    assert_eq!(settings.server.public.to_string(), "127.0.0.1:3");
    assert_eq!(settings.server.private.to_string(), "127.0.0.1:5");
    assert_eq!(
        settings.source("server.private"),
        Some(&Source::Option("--set"))
    );
}

#[test]
fn cleave_config_names_the_file_unless_the_option_does() {
    let start = Start::new();
    let file = start.write("env.toml", "migrate = \"check\"");
    let start = start.env("CLEAVE_CONFIG", file.to_str().unwrap());
    assert_eq!(start.load().migrate, MigrateMode::Check);
    assert_eq!(
        start.config("migrate = \"off\"").load().migrate,
        MigrateMode::Off
    );
    assert_eq!(
        Start::new().env("CLEAVE_CONFIG", "").load().migrate,
        MigrateMode::Auto
    );
    let gone = Start::new()
        .env("CLEAVE_CONFIG", "/nowhere/shop.toml")
        .problems();
    assert!(gone[0].starts_with(
        "configuration file /nowhere/shop.toml (environment CLEAVE_CONFIG): cannot be read"
    ));
}

#[test]
fn all_problems_are_said_at_once_with_name_source_and_what_is_allowed() {
    let file =
        "migrate = \"never\"\n\n[server]\npubic = \"x\"\nworkers = \"many\"\n\n[nonsense]\na = 1\n";
    let problems = Start::new()
        .config(file)
        .env("CLEAVE__SERVER__PUBLIC", "8000")
        .env("CLEAVE__MODULES__USERS__POOL_MAX", "0")
        .env("CLEAVE__WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "yes")
        .env("CLEAVE__MODULES__USRES__URL", "http://x")
        .set("store.currency=euro")
        .set("auth")
        .problems();
    let expected = [
        "migrate (shop.toml:1): \"never\" is not allowed; allowed: auto, check, off",
        "nonsense.a (shop.toml:8): unknown setting; allowed: environment, data_dir, migrate, \
         embedded, server, modules, auth, internal, ops, redis, media, limits, events, webhooks, \
         telemetry, store",
        "server.pubic (shop.toml:4): unknown setting; did you mean server.public?",
        "server.workers (shop.toml:5): \"many\" is not allowed; allowed: a whole number from 0 to 1024",
        "server.public (environment CLEAVE__SERVER__PUBLIC): \"8000\" is not allowed; allowed: \
         address:port, such as 127.0.0.1:8000, [::]:8000, localhost:8000",
        "modules.users.pool_max (environment CLEAVE__MODULES__USERS__POOL_MAX): \"0\" is not \
         allowed; allowed: a whole number from 1 to 10000",
        "webhooks.allow_private_addresses (environment CLEAVE__WEBHOOKS__ALLOW_PRIVATE_ADDRESSES): \
         \"yes\" is not allowed; allowed: true, false",
        "modules.usres.url (environment CLEAVE__MODULES__USRES__URL): unknown setting; did you \
         mean CLEAVE__MODULES__USERS__URL?",
        "store.currency (--set): \"euro\" is not allowed; allowed: an ISO 4217 code in capitals, \
         such as EUR",
        "--set: expects section.key=value",
    ];
    for line in expected {
        assert!(
            problems.iter().any(|problem| problem == line),
            "{line}\nis not in\n{problems:#?}"
        );
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn types_are_strict() {
    for (toml, shown) in [
        ("[server]\nworkers = \"4\"", "\"4\""),
        ("[server]\nworkers = 4.0", "the number 4.0"),
        ("[server]\nworkers = -1", "the number -1"),
        ("[server]\npublic = 8000", "the number 8000"),
        (
            "[server]\ncors_origins = \"https://a.example\"",
            "\"https://a.example\"",
        ),
        ("[embedded]\nallow_in_production = \"true\"", "\"true\""),
        ("[server.public]\nport = 1", "a table"),
        ("migrate = []", "a list"),
        ("migrate = \"\"", "\"\""),
        ("data_dir = 1979-05-27", "a date"),
    ] {
        let problems = Start::new()
            .without("CLEAVE__DATA_DIR")
            .config(toml)
            .problems();
        assert!(
            problems[0].contains(&format!(": {shown} is not allowed")),
            "{problems:?}"
        );
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
    for value in ["+4", " 4", "4.0", "0x4", "", "99999999999999999999"] {
        assert!(
            Start::new()
                .env("CLEAVE__SERVER__WORKERS", value)
                .try_load()
                .is_err(),
            "{value}"
        );
    }
    let section = Start::new().config("server = 5").problems();
    assert!(section[0].starts_with("server (shop.toml:1): is a section; allowed: public, private"));
}

#[test]
fn broken_toml_and_small_letters_in_the_environment() {
    let broken = Start::new().config("[server\npublic = 1").problems();
    assert!(
        broken[0].starts_with("configuration file (shop.toml:1): not valid TOML"),
        "{broken:?}"
    );
    let small = Start::new().env("CLEAVE__Migrate", "off").problems();
    assert!(
        small[0].ends_with("did you mean CLEAVE__MIGRATE?"),
        "{small:?}"
    );
}

#[test]
fn lists_sizes_limits_and_nothing() {
    let settings = Start::new()
        .config("[redis]\nurl = \"redis://cache\"\n[server]\ntrusted_proxies = [\"10.0.0.1\"]\n")
        .env("CLEAVE__REDIS__URL", "")
        .env("CLEAVE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1")
        .env("CLEAVE__LIMITS__BODY_BYTES", "2 MiB")
        .env("CLEAVE__LIMITS__UPLOAD_BYTES", "4096")
        .set("limits.login_per_minute=0")
        .set("limits.import_bytes=0")
        .load();
    assert!(settings.redis.url.is_none());
    let proxies = &settings.server.trusted_proxies;
    assert!(proxies.len() == 2 && proxies[0].contains("10.2.3.4".parse().unwrap()));
    assert_eq!(settings.limits.body_bytes.unwrap().get(), 2 << 20);
    assert_eq!(settings.limits.upload_bytes.unwrap().get(), 4096);
    assert_eq!(settings.limits.import_bytes, None);
    assert_eq!(settings.limits.login_per_minute, None);
    assert_eq!(settings.limits.login_per_minute_and_address(), None);
}

#[test]
fn secrets_and_urls_come_from_files_too() {
    let start = Start::new();
    let secret = start.write("secret", "from the environment\n");
    let url = start.write("url", "postgres://u:p@db/orders\r\n");
    let start = start
        .config(&format!(
            "[modules.orders]\ndatabase_url_file = {url:?}\n[auth]\nsecret = \"overridden\"\n"
        ))
        .env("CLEAVE__AUTH__SECRET_FILE", secret.to_str().unwrap());
    let settings = start.load();
    assert_eq!(
        settings.auth.secret.as_ref().unwrap().expose_secret(),
        "from the environment"
    );
    let orders = settings.modules.get(Module::Orders);
    assert_eq!(
        orders.database_url.as_ref().unwrap().expose_secret(),
        "postgres://u:p@db/orders"
    );
    assert_eq!(
        settings.source("auth.secret").unwrap().to_string(),
        format!(
            "environment CLEAVE__AUTH__SECRET_FILE, {}",
            secret.display()
        )
    );
}

#[test]
fn what_is_wrong_with_a_secrets_file() {
    let start = Start::new();
    let empty = start.write("empty", "\n");
    let no_url = start.write("no-url", "hunter2\n");
    let problems = start
        .env("CLEAVE__AUTH__SECRET_FILE", "/nowhere/secret")
        .env("CLEAVE__INTERNAL__SECRET_FILE", empty.to_str().unwrap())
        .env("CLEAVE__OPS__TOKEN", "a")
        .env("CLEAVE__OPS__TOKEN_FILE", "b")
        .env("CLEAVE__REDIS__URL_FILE", no_url.to_str().unwrap())
        .env("CLEAVE__SERVER__PUBLIC_FILE", "x")
        .set("modules.users.database_url=mysql://u:hunter2@db/x")
        .problems();
    assert!(
        problems.iter().all(|problem| !problem.contains("hunter2")),
        "{problems:#?}"
    );
    for part in [
        "auth.secret (environment CLEAVE__AUTH__SECRET_FILE): cannot read /nowhere/secret: No such file",
        "internal.secret (environment CLEAVE__INTERNAL__SECRET_FILE): empty is empty",
        "ops.token (environment CLEAVE__OPS__TOKEN_FILE): set both directly and as ops.token_file; keep one",
        "redis.url (environment CLEAVE__REDIS__URL_FILE): this text in no-url is not allowed; allowed: a URL",
        "server.public_file (environment CLEAVE__SERVER__PUBLIC_FILE): unknown setting",
        "modules.users.database_url (--set): \"mysql://u:********@db/x\" is not allowed; allowed: a URL with the scheme postgres, postgresql",
    ] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(part)),
            "{part}\n{problems:#?}"
        );
    }
}

#[test]
fn contradictions() {
    let problems = Start::new()
        .set("modules.orders.pool_min=17")
        .set("server.private=127.0.0.1:8000")
        .problems();
    assert_eq!(
        problems,
        [
            "modules.orders.pool_min (--set): 17 is more than modules.orders.pool_max; allowed: a whole number from 0 to 16",
            "server.private (--set): 127.0.0.1:8000 is server.public already; the two listeners need one each",
        ]
    );
    let streams = Start::new()
        .set("events.stream_url=redis://:hunter2@cache/first")
        .problems();
    let [problem] = &streams[..] else {
        panic!("{streams:?}");
    };
    assert!(
        problem.starts_with("events.stream_url (--set): \"redis://:****"),
        "{problem}"
    );
    assert!(
        problem.contains("database number") && !problem.contains("hunter2"),
        "{problem}"
    );
    let peers = Start::new()
        .set("modules.users.url=http://peer:hunter2@users:8100")
        .set("modules.products.url=https://products:8100/api?x=1")
        .set("modules.orders.url=http://orders:8100/#top")
        .problems();
    assert_eq!(peers.len(), 3, "{peers:?}");
    for (problem, module) in peers.iter().zip(["users", "products", "orders"]) {
        let start = format!("modules.{module}.url (--set): \"http");
        assert!(problem.starts_with(&start), "{problem}");
        assert!(problem.contains("not the address of a peer"), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }
    Start::new()
        .set("modules.users.url=http://users:8100/")
        .set("modules.products.url=https://products.internal")
        .set("server.private=127.0.0.1:0")
        .set("server.public=127.0.0.1:0")
        .load();
}

#[test]
fn a_ratio_is_a_number_from_0_to_1() {
    const NAME: &str = "telemetry.sample_ratio";
    for (text, ratio) in [("0", 0.0), ("1", 1.0), ("0.25", 0.25), (".5", 0.5)] {
        let settings = Start::new().set(&format!("{NAME}={text}")).load();
        assert_eq!(settings.telemetry.sample_ratio, ratio);
    }
    for (toml, ratio) in [("0", 0.0), ("1", 1.0), ("1e-2", 0.01)] {
        let toml = format!("[telemetry]\nsample_ratio = {toml}");
        let settings = Start::new().config(&toml).load();
        assert_eq!(settings.telemetry.sample_ratio, ratio);
    }
    for text in ["1.01", "-0.1", "NaN", "inf", "half", "50%", "0,5", ""] {
        let problems = Start::new().set(&format!("{NAME}={text}")).problems();
        let shown =
            format!("{NAME} (--set): {text:?} is not allowed; allowed: a number from 0 to 1");
        assert!(problems[0].starts_with(&shown), "{problems:?}");
    }
    for toml in ["2", "-0.5", "nan", "inf", "true", "\"0.5\""] {
        let toml = format!("[telemetry]\nsample_ratio = {toml}");
        let problems = Start::new().config(&toml).problems();
        assert!(problems[0].starts_with(NAME), "{problems:?}");
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}
