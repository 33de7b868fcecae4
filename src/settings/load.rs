//! From the inputs to the settings: layers, then rules, then types.

use std::num::NonZeroUsize;
use std::path::Path;

use super::module::Module;
use super::source::{Problems, Source};
use super::value::Value;
use super::values::Values;
use super::{DEFAULTS, Inputs, Purpose, Settings};
use super::{certificate, file, keys, layers, not_yet, placement, rules, secrets};

impl Settings {
    /// Reads every layer and checks the result; the error holds all problems, one a line.
    pub fn load(inputs: &Inputs) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut values = merge_layers(inputs, &mut problems);
        placement::place(&mut values, &inputs.only, &inputs.built, &mut problems);
        inherit_redis(&mut values);
        count_workers(&mut values);
        let warnings = check(&mut values, inputs, &mut problems);
        if !problems.0.is_empty() {
            return Err(problems);
        }
        let mut settings = typed(&values).map_err(|error| {
            // The schema let a value through that its type does not take.
            problems.add("settings", None, error.to_string());
            problems
        })?;
        settings.warnings = warnings;
        settings.values = values;
        Ok(settings)
    }
}

fn merge_layers(inputs: &Inputs, problems: &mut Problems) -> Values {
    let mut layers = vec![file::parse(DEFAULTS, problems, |_| Source::Default)];
    if let Some((path, named_by)) = file::chosen(inputs.config.as_deref(), &inputs.environment) {
        layers.push(file::read(&path, &named_by, problems));
    }
    layers.push(layers::environment(&inputs.environment, problems));
    layers.push(layers::command_line(&inputs.set, problems));
    layers::merge(layers, problems)
}

/// A module without a Redis of its own shares the common one.
fn inherit_redis(values: &mut Values) {
    const COMMON: &str = "redis.url";
    let Some(common) = values
        .get(COMMON)
        .filter(|entry| !entry.value.is_none())
        .cloned()
    else {
        return;
    };
    for module in Module::ALL {
        let name = module.setting("redis_url");
        if values.value(&name).is_none() {
            let source = Source::Inherited {
                from: COMMON,
                source: Box::new(common.source.clone()),
            };
            values.set(&name, common.value.clone(), source);
        }
    }
}

/// 0 is written for "one per core".
fn count_workers(values: &mut Values) {
    const WORKERS: &str = "server.workers";
    let Some(entry) = values.get(WORKERS) else {
        return;
    };
    if matches!(entry.value, Value::Integer(0)) {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let source = entry.source.clone();
        values.set(WORKERS, Value::Integer(cores as u64), source);
    }
}

/// The rules over all values; answers the warnings.
fn check(values: &mut Values, inputs: &Inputs, problems: &mut Problems) -> Vec<String> {
    rules::consistent(values, problems);
    let production = values.value("environment").is_text("production");
    if !production && let Value::Text(data_dir) = values.value("data_dir").clone() {
        secrets::read_generated(values, Path::new(&data_dir), problems);
    }
    if inputs.purpose == Purpose::Ask {
        return Vec::new();
    }
    if keys::in_use(values) {
        keys::check(values, problems);
    }
    if production {
        rules::production(values, &inputs.purpose, problems);
    }
    let warnings = not_yet::check(values);
    if inputs.purpose == Purpose::Serve {
        placement::check_hosting(values, problems);
        certificate::check(values, problems);
        rules::media(values, problems);
    }
    warnings
}

fn typed(values: &Values) -> Result<Settings, serde_json::Error> {
    let mut document = serde_json::json!({});
    for entry in values.iter() {
        let place = entry
            .setting
            .name
            .split('.')
            .fold(&mut document, |at, key| &mut at[key]);
        *place = entry.value.exposed();
    }
    serde_json::from_value(document)
}
