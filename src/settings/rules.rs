//! What no single value can show: values that contradict each other, and what production refuses.

use secrecy::ExposeSecret;

use super::Purpose;
use super::mask;
use super::module::Module;
use super::schema::env_name;
use super::secrets;
use super::source::Problems;
use super::value::Value;
use super::values::Values;

pub fn consistent(values: &Values, problems: &mut Problems) {
    for module in Module::ALL {
        let (min, max) = (module.setting("pool_min"), module.setting("pool_max"));
        if values.integer(&min) > values.integer(&max) {
            let message = format!("{} is more than {max}", values.integer(&min));
            problems.add_rule(&min, values.source(&min), message);
        }
        peer(&module.setting("url"), values, problems);
    }
    stream(values, problems);
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
fn stream(values: &Values, problems: &mut Problems) {
    const NAME: &str = "events.stream_url";
    let Value::Url(url) = values.value(NAME) else {
        return;
    };
    let url = url.expose_secret();
    if let Err(error) = platform::stream::check(url) {
        let message = format!(
            "{:?} is not the address of a Redis: {error}",
            mask::url(url)
        );
        problems.add_rule(NAME, values.source(NAME), message);
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

pub fn production(values: &Values, purpose: &Purpose, problems: &mut Problems) {
    for name in secrets::NAMES {
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
