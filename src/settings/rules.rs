//! What no single value can show: values that contradict each other, and what production refuses.

use secrecy::ExposeSecret;

use super::Purpose;
use super::keys;
use super::mask;
use super::module::Module;
use super::schema::env_name;
use super::secrets;
use super::source::{Problems, Source};
use super::value::Value;
use super::values::Values;

pub fn consistent(values: &Values, problems: &mut Problems) {
    for module in Module::ALL {
        let (min, max) = (module.setting("pool_min"), module.setting("pool_max"));
        if values.integer(&min) > values.integer(&max) {
            let message = format!(
                "{} is more than {max}; allowed: a whole number from 0 to {}",
                values.integer(&min),
                values.integer(&max)
            );
            problems.add_rule(&min, values.source(&min), message);
        }
        peer(&module.setting("url"), values, problems);
        redis(&module.setting("redis_url"), values, problems);
    }
    for name in ["redis.url", "events.stream_url"] {
        redis(name, values, problems);
    }
    if let (Value::Text(public), Value::Text(private)) = (
        values.value("server.public"),
        values.value("server.private"),
    ) && public == private
        && !public.ends_with(":0")
    {
        let message =
            format!("{private} is server.public already; the two listeners need one each");
        problems.add_rule("server.private", values.source("server.private"), message);
    }
}

/// A URL of the right scheme may still name no database that Redis has.
fn redis(name: &str, values: &Values, problems: &mut Problems) {
    let Value::Url(url) = values.value(name) else {
        return;
    };
    // What is inherited is told of where it comes from.
    if values.source(name).is_some_and(Source::is_inherited) {
        return;
    }
    let url = url.expose_secret();
    if let Err(error) = platform::redis::check(url) {
        let message = format!(
            "{:?} is not the address of a Redis: {error}",
            mask::url(url)
        );
        problems.add_rule(name, values.source(name), message);
    }
}

/// Requests are sent on with the paths that they came with, so a peer is a bare address; and what
/// goes there shows a token of its own.
fn peer(name: &str, values: &Values, problems: &mut Problems) {
    let Value::Url(url) = values.value(name) else {
        return;
    };
    let url = url.expose_secret();
    if ports_http::peer_address(url).is_err() {
        let message = format!(
            "{:?} is not the address of a peer: http or https, host and port, without user, path \
             and query, such as http://products.internal:8100",
            mask::url(url)
        );
        problems.add_rule(name, values.source(name), message);
    }
}

/// A URL of a scheme that is known may still name no place, or miss what the place needs.
pub fn media(values: &Values, problems: &mut Problems) {
    const NAME: &str = "media.url";
    let hosted = values.value(&Module::Products.setting("mode"));
    let (true, Value::Url(url)) = (hosted.is_text("local"), values.value(NAME)) else {
        return;
    };
    let url = url.expose_secret();
    if let Err(error) = crate::media::check(url) {
        let shown = mask::url(url);
        let reason = error.to_string().replace(url, &shown);
        let message = format!("{shown:?} is no place for pictures: {reason}");
        problems.add_rule(NAME, values.source(NAME), message);
    }
}

pub fn production(values: &Values, purpose: &Purpose, problems: &mut Problems) {
    let eddsa = keys::in_use(values);
    if eddsa {
        keys::check_production(values, problems);
    }
    for name in secrets::NAMES {
        if eddsa && name == secrets::NAMES[0] && values.value(name).is_none() {
            continue;
        }
        let Some(weakness) = weakness(values.value(name)) else {
            continue;
        };
        let message = format!(
            "{weakness}; production needs at least {} bytes of its own in {} or {}_FILE \
             (`openssl rand -hex 32` makes some)",
            secrets::MIN_BYTES,
            env_name(name),
            env_name(name)
        );
        let source = values
            .source(name)
            .filter(|_| !values.value(name).is_none());
        problems.add_rule(name, source, message);
    }
    if matches!(
        values.value("embedded.allow_in_production"),
        Value::Flag(true)
    ) {
        return;
    }
    for module in Module::ALL
        .into_iter()
        .filter(|module| purpose.uses(*module))
    {
        let (mode, url) = (module.setting("mode"), module.setting("database_url"));
        if values.value(&mode).is_text("local") && values.value(&url).is_none() {
            let message = format!(
                "missing; production does not use the embedded Postgres: set {} or {}_FILE, \
                 or allow it with embedded.allow_in_production",
                env_name(&url),
                env_name(&url)
            );
            problems.add_rule(&url, None, message);
        }
    }
}

fn weakness(value: &Value) -> Option<String> {
    match value.secret() {
        None => Some("missing".to_owned()),
        Some(secret) => secrets::weakness(secret.expose_secret()),
    }
}
