//! Whom the settings name besides databases; nobody is connected to yet.

use anyhow::Context;
use platform::redis::Redis;
use platform::stream::Stream;
use secrecy::{ExposeSecret, SecretString};

use crate::settings::{Module, Settings};

/// The Redis of a module, if it has one.
pub fn redis(settings: &Settings, module: Module) -> anyhow::Result<Option<Redis>> {
    let url = settings.modules.get(module).redis_url.as_ref();
    let open = |url: &SecretString| Redis::open(url.expose_secret()).context("redis_url");
    url.map(open).transpose()
}

/// The Redis that this process shares with its replicas: that of users, which counts sign-ins there,
/// else the common one.
pub fn shared_redis(settings: &Settings) -> anyhow::Result<Option<Redis>> {
    match settings.hosted().any(|module| module == Module::Users) {
        true => redis(settings, Module::Users),
        false => common_redis(settings),
    }
}

/// The Redis of the shop, where it has one.
pub fn common_redis(settings: &Settings) -> anyhow::Result<Option<Redis>> {
    let open = |url: &SecretString| Redis::open(url.expose_secret()).context("redis.url");
    settings.redis.url.as_ref().map(open).transpose()
}

/// Where events go besides.
pub fn stream(settings: &Settings) -> anyhow::Result<Option<Stream>> {
    let url = settings.events.stream_url.as_ref();
    let open = |url: &SecretString| {
        Stream::open(url.expose_secret(), settings.events.stream_length)
            .context("events.stream_url")
    };
    url.map(open).transpose()
}
