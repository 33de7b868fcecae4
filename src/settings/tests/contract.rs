//! What deployments rely on: names, defaults, and the answer of `cleave config`.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;

use super::support::Start;
use crate::settings::file;
use crate::settings::source::{Problems, Source};
use crate::settings::*;

const GENERAL: &str = "environment data_dir migrate embedded.bin_dir embedded.allow_in_production \
    server.public server.private server.tls_cert server.tls_key server.workers \
    server.request_deadline_ms server.shutdown_grace_ms server.trusted_proxies \
    server.cors_origins auth.algorithm auth.secret auth.keys auth.access_token_minutes \
    auth.refresh_token_days internal.secret ops.token redis.url media.url \
    limits.login_per_minute limits.requests_per_second limits.body_bytes limits.upload_bytes \
    limits.import_bytes events.max_attempts events.stream_url events.stream_length \
    webhooks.allow_private_addresses \
    telemetry.log telemetry.log_format telemetry.otlp_endpoint \
    telemetry.sample_ratio store.currency \
    modules.products.hold_ttl_s modules.orders.payment_window_s";

const MODULE: &str = "mode url database_url pool_max pool_min statement_timeout_ms redis_url \
    call_timeout_ms call_retries circuit_failures circuit_open_ms max_in_flight";

fn contract() -> BTreeSet<String> {
    let of_modules = ["users", "products", "orders"]
        .into_iter()
        .flat_map(|module| {
            MODULE
                .split(' ')
                .filter(|key| !key.is_empty())
                .map(move |key| format!("modules.{module}.{key}"))
        });
    let general = GENERAL.split_whitespace().map(str::to_owned);
    general.chain(of_modules).collect()
}

#[test]
fn the_schema_is_the_contract() {
    let schema: BTreeSet<String> = schema::all().iter().map(|s| s.name.clone()).collect();
    assert_eq!(schema, contract());
    assert_eq!(schema.len(), schema::all().len(), "a name twice");
}

#[test]
fn the_defaults_file_has_every_setting_and_no_other() {
    let mut problems = Problems::default();
    let layer = file::parse(DEFAULTS, &mut problems, |_| Source::Default);
    let names: BTreeSet<String> = layer
        .into_iter()
        .map(|assignment| assignment.name)
        .collect();
    assert_eq!(names, contract());
    assert!(problems.0.is_empty(), "{problems}");
}

#[test]
fn defaults() {
    let settings = Start::new().without("CLEAVE__DATA_DIR").load();
    assert_eq!(settings.environment, Environment::Development);
    assert_eq!(settings.data_dir, std::path::Path::new("./data"));
    assert_eq!(settings.server.public.to_string(), "127.0.0.1:8000");
    assert_eq!(settings.server.private.to_string(), "127.0.0.1:8100");
    assert!(settings.server.workers >= 1);
    assert_eq!(settings.server.request_deadline.as_millis(), 10_000);
    assert_eq!(settings.server.shutdown_grace.as_secs(), 25);
    assert_eq!(settings.hosted().collect::<Vec<_>>(), Module::ALL);
    assert!(settings.needs_embedded(&Module::ALL));
    for module in Module::ALL {
        let module = settings.modules.get(module);
        assert_eq!(
            (module.pool_max, module.pool_min, module.call_retries),
            (16, 1, 2)
        );
        assert_eq!(module.statement_timeout.as_secs(), 5);
        assert_eq!(module.call_timeout.as_secs(), 2);
        assert_eq!((module.circuit_failures, module.max_in_flight), (5, 256));
        assert_eq!(module.circuit_open.as_secs(), 5);
    }
    assert_eq!(settings.modules.products.hold_ttl.as_secs(), 900);
    assert_eq!(settings.modules.orders.payment_window.as_secs(), 1800);
    assert_eq!(settings.migrate, MigrateMode::Auto);
    assert_eq!(settings.auth.algorithm, Algorithm::Hs256);
    assert_eq!(settings.auth.access_token.as_secs(), 30 * 60);
    assert_eq!(settings.auth.refresh_token.as_secs(), 30 * 24 * 3600);
    let limits = &settings.limits;
    assert_eq!(limits.login_per_minute.unwrap().get(), 10);
    assert_eq!(limits.login_per_minute_and_address().unwrap().get(), 100);
    assert_eq!(limits.requests_per_second.unwrap().get(), 200);
    assert_eq!(limits.body_bytes.unwrap().get(), 1_048_576);
    assert_eq!(limits.upload_bytes.unwrap().get(), 10 << 20);
    assert_eq!(limits.import_bytes.unwrap().get(), 1 << 30);
    assert_eq!(settings.events.max_attempts, 20);
    assert!(settings.telemetry.otlp_endpoint.is_none());
    assert_eq!(settings.telemetry.sample_ratio, 1.0);
    assert_eq!(settings.store.currency.code(), "EUR");
    assert!(settings.warnings.is_empty());
}

#[test]
fn config_shows_value_and_source_and_hides_secrets() {
    let settings = Start::new()
        .config("[store]\ncurrency = \"CHF\"\n")
        .env(
            "CLEAVE__MODULES__USERS__DATABASE_URL",
            "postgres://shop:hunter2@db/users",
        )
        .env("CLEAVE__OPS__TOKEN", "hunter2")
        .env("CLEAVE__REDIS__URL", "redis://:hunter2@cache/1")
        .set("server.cors_origins=https://a.example,https://b.example")
        .load();
    let text = print(&settings, false);
    assert!(!text.contains("hunter2") && !print(&settings, true).contains("hunter2"));
    let line = |name: &str| {
        let found = text
            .lines()
            .find(|line| line.split(' ').next() == Some(name))
            .unwrap();
        found
            .split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(
        line("store.currency").starts_with("CHF /")
            && line("store.currency").ends_with("shop.toml:2")
    );
    assert_eq!(
        line("modules.users.database_url"),
        "postgres://shop:********@db/users environment CLEAVE__MODULES__USERS__DATABASE_URL"
    );
    assert_eq!(line("modules.orders.database_url"), "embedded default");
    assert_eq!(line("ops.token"), "******** environment CLEAVE__OPS__TOKEN");
    assert_eq!(line("auth.secret"), "generated at first start default");
    assert_eq!(
        line("server.cors_origins"),
        "https://a.example,https://b.example --set"
    );
    assert_eq!(
        line("modules.orders.redis_url"),
        "redis://:********@cache/1 redis.url, environment CLEAVE__REDIS__URL"
    );
    assert_eq!(line("server.public"), "127.0.0.1:8000 default");
    let workers = format!("{} default", settings.server.workers);
    assert_eq!(line("server.workers"), workers);
    let json: serde_json::Value = serde_json::from_str(&print(&settings, true)).unwrap();
    assert_eq!(json.as_array().unwrap().len(), contract().len());
    assert_eq!(
        json[0],
        serde_json::json!({"name": "environment", "value": "development", "source": "default"})
    );
}

#[test]
fn debug_output_shows_no_secret() {
    let settings = Start::new()
        .env("CLEAVE__AUTH__SECRET", "hunter2")
        .env(
            "CLEAVE__MODULES__USERS__DATABASE_URL",
            "postgres://shop:hunter2@db/users",
        )
        .load();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn missing_secrets_are_made_once_and_kept() {
    let start = Start::new().env("CLEAVE__INTERNAL__SECRET", "given");
    let mut settings = start.load();
    assert!(
        !start.path().join("data").exists(),
        "loading writes nothing"
    );
    let first = settings.generate_missing_secrets().unwrap();
    assert_eq!(first.internal.expose_secret(), "given");
    let token_file = start.path().join("data/keys/ops.token");
    assert_eq!(first.ops_token_file.as_ref(), Some(&token_file));
    assert!(!start.path().join("data/keys/internal.secret").exists());
    assert_eq!(
        settings.source("auth.secret").unwrap().to_string(),
        format!(
            "generated, {}",
            start.path().join("data/keys/auth.secret").display()
        )
    );

    let mut again = start.load();
    assert_eq!(
        again.source("ops.token"),
        Some(&Source::Generated(token_file))
    );
    let second = again.generate_missing_secrets().unwrap();
    let secret = |settings: &Settings| {
        let secret = settings.auth.secret.as_ref().unwrap();
        secret.expose_secret().to_owned()
    };
    assert_eq!(secret(&settings), secret(&again));
    assert_eq!(
        first.ops_token.expose_secret(),
        second.ops_token.expose_secret()
    );
    assert_ne!(secret(&settings), first.ops_token.expose_secret());
}
