//! The table of settings: names, kinds, ranges. Reading, checking and printing all follow it;
//! the defaults and the words are in `config/default.toml`.

use std::sync::LazyLock;

use super::checks;
use super::kind::Kind;
use super::module::Module;

#[derive(Debug)]
pub struct Setting {
    pub name: String,
    pub kind: Kind,
    /// For a setting that may be absent: what `cleave config` says then.
    pub none: Option<&'static str>,
}

impl Setting {
    /// What could stand there, for error messages.
    pub fn allowed(&self) -> String {
        match self.none {
            Some(_) => format!("{}; \"\" for none", self.kind.allowed()),
            None => self.kind.allowed(),
        }
    }
}

/// `server.public` is `CLEAVE__SERVER__PUBLIC` in the environment.
pub fn env_name(name: &str) -> String {
    format!(
        "{ENV_PREFIX}{}",
        name.to_ascii_uppercase().replace('.', "__")
    )
}

pub const ENV_PREFIX: &str = "CLEAVE__";

pub fn all() -> &'static [Setting] {
    &SETTINGS
}

pub fn find(name: &str) -> Option<&'static Setting> {
    all().iter().find(|setting| setting.name == name)
}

pub fn is_section(name: &str) -> bool {
    all().iter().any(|setting| {
        setting
            .name
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

const PATH: Kind = Kind::Text {
    check: checks::path,
    allowed: "a path",
};
const ADDRESS: Kind = Kind::Text {
    check: checks::address,
    allowed: "address:port, such as 127.0.0.1:8000, [::]:8000, localhost:8000",
};
const NETWORKS: Kind = Kind::List {
    check: checks::network,
    allowed: "addresses or networks, such as 10.0.0.0/8",
};
const ORIGINS: Kind = Kind::List {
    check: checks::origin,
    allowed: "origins without a path, such as https://shop.example, or *",
};
const LOG: Kind = Kind::Text {
    check: checks::log_filter,
    allowed: "a level (error, warn, info, debug, trace, off), and target=level, separated by commas",
};
const CURRENCY: Kind = Kind::Text {
    check: checks::currency,
    allowed: "an ISO 4217 code in capitals, such as EUR",
};
const HTTP: Kind = Kind::Url(&["http", "https"]);
const POSTGRES: Kind = Kind::Url(&["postgres", "postgresql"]);
const REDIS: Kind = Kind::Url(&["redis", "rediss", "redis+unix", "unix"]);
const STREAMS: Kind = Kind::Url(&["redis", "rediss"]);
const OBJECTS: Kind = Kind::Url(&[
    "file", "s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss", "https", "memory",
]);
/// Long enough for a test's patience and a weekend's sale alike.
const MILLISECONDS: Kind = between(1, 3_600_000);
const SECONDS: Kind = between(1, 30 * 24 * 3600);
const RATE: Kind = between(0, 1_000_000);
const GENERATED: &str = "generated at first start";

const fn between(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

/// Name, kind, and for optional settings what their absence means.
type Row = (&'static str, Kind, Option<&'static str>);

const GENERAL: &[Row] = &[
    (
        "environment",
        Kind::OneOf(&["development", "production"]),
        None,
    ),
    ("data_dir", PATH, None),
    ("migrate", Kind::OneOf(&["auto", "check", "off"]), None),
    ("embedded.bin_dir", PATH, Some("found by itself")),
    ("embedded.allow_in_production", Kind::Flag, None),
    ("server.public", ADDRESS, None),
    ("server.private", ADDRESS, None),
    ("server.tls_cert", PATH, Some("none")),
    ("server.tls_key", PATH, Some("none")),
    ("server.workers", between(0, 1024), None),
    ("server.request_deadline_ms", MILLISECONDS, None),
    ("server.shutdown_grace_ms", between(0, 3_600_000), None),
    ("server.trusted_proxies", NETWORKS, None),
    ("server.cors_origins", ORIGINS, None),
];

/// For each of the three modules.
const MODULE: &[Row] = &[
    ("mode", Kind::OneOf(&["local", "remote", "off"]), None),
    ("url", HTTP, Some("none")),
    ("database_url", POSTGRES, Some("embedded")),
    ("pool_max", between(1, 10_000), None),
    ("pool_min", between(0, 10_000), None),
    ("statement_timeout_ms", between(0, 3_600_000), None),
    ("redis_url", REDIS, Some("none")),
    ("call_timeout_ms", MILLISECONDS, None),
    ("call_retries", between(0, 10), None),
    ("circuit_failures", between(1, 10_000), None),
    ("circuit_open_ms", MILLISECONDS, None),
    ("max_in_flight", between(1, 100_000), None),
];

const REST: &[Row] = &[
    ("auth.algorithm", Kind::OneOf(&["HS256", "EdDSA"]), None),
    ("auth.secret", Kind::Secret, Some(GENERATED)),
    ("auth.keys", Kind::Keys, None),
    ("auth.access_token_minutes", between(1, 1440), None),
    ("auth.refresh_token_days", between(1, 3650), None),
    ("internal.secret", Kind::Secret, Some(GENERATED)),
    ("ops.token", Kind::Secret, Some(GENERATED)),
    ("redis.url", REDIS, Some("none")),
    ("media.url", OBJECTS, Some("media in data_dir")),
    ("limits.login_per_minute", RATE, None),
    ("limits.requests_per_second", RATE, None),
    ("limits.body_bytes", Kind::Bytes, None),
    ("limits.upload_bytes", Kind::Bytes, None),
    ("limits.import_bytes", Kind::Bytes, None),
    ("events.max_attempts", between(1, 10_000), None),
    ("events.stream_url", STREAMS, Some("none")),
    ("events.stream_length", between(1, 1_000_000_000), None),
    ("webhooks.allow_private_addresses", Kind::Flag, None),
    ("telemetry.log", LOG, None),
    (
        "telemetry.log_format",
        Kind::OneOf(&["auto", "text", "json"]),
        None,
    ),
    ("telemetry.otlp_endpoint", HTTP, Some("none")),
    ("telemetry.sample_ratio", Kind::Ratio, None),
    ("store.currency", CURRENCY, None),
];

static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let plain = |&(name, kind, none): &Row| Setting {
        name: name.to_owned(),
        kind,
        none,
    };
    let mut settings: Vec<Setting> = GENERAL.iter().map(plain).collect();
    for module in Module::ALL {
        let own: &[Row] = match module {
            Module::Users => &[],
            Module::Products => &[("hold_ttl_s", SECONDS, None)],
            Module::Orders => &[("payment_window_s", between(0, 365 * 24 * 3600), None)],
        };
        settings.extend(MODULE.iter().chain(own).map(|&(key, kind, none)| Setting {
            name: module.setting(key),
            kind,
            none,
        }));
    }
    settings.extend(REST.iter().map(plain));
    settings
});
