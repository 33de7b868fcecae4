//! The layers, and how the later one wins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::schema::{self, ENV_PREFIX, Setting};
use super::source::{Problems, Source};
use super::suggest;
use super::value::{Given, Value};
use super::values::Values;

/// One name and its value in one layer.
#[derive(Debug)]
pub struct Assignment {
    pub name: String,
    pub given: Given,
    pub source: Source,
}

pub type Layer = Vec<Assignment>;

/// `CLEAVE__SECTION__KEY`, capitals only: what differs in case would be two names for one setting.
pub fn environment(variables: &[(OsString, OsString)], problems: &mut Problems) -> Layer {
    let mut layer = Layer::new();
    for (variable, value) in variables {
        let variable = variable.to_string_lossy();
        let Some(rest) = variable.strip_prefix(ENV_PREFIX) else {
            continue;
        };
        let source = Source::Environment(variable.clone().into_owned());
        let name = rest.replace("__", ".").to_ascii_lowercase();
        if rest.contains(|c: char| c.is_ascii_lowercase()) {
            problems.add(&name, Some(&source), suggest::unknown(&name, &source));
            continue;
        }
        match value.to_str() {
            Some(text) => layer.push(Assignment {
                name,
                given: Given::Text(text.to_owned()),
                source,
            }),
            None => problems.add(&name, Some(&source), "is not UTF-8".to_owned()),
        }
    }
    layer
}

/// `--set section.key=value`, each as given on the command line.
pub fn command_line(sets: &[String], problems: &mut Problems) -> Layer {
    let source = Source::Option("--set");
    let mut layer = Layer::new();
    for set in sets {
        match set.split_once('=') {
            Some((name, value)) => layer.push(Assignment {
                name: name.trim().to_owned(),
                given: Given::Text(value.to_owned()),
                source: source.clone(),
            }),
            // The text is not repeated: it may be a secret whose name was forgotten.
            None => problems.add("--set", None, "expects section.key=value".to_owned()),
        }
    }
    layer
}

/// What the last layer that speaks of a setting says.
enum Winner {
    Value(Value),
    File(PathBuf),
}

/// Reads the layers in order. Every problem of every layer is reported, overridden or not; files
/// that hold secrets are opened only when they decide.
pub fn merge(layers: Vec<Layer>, problems: &mut Problems) -> Values {
    let mut winners: BTreeMap<&'static str, (Winner, Source)> = BTreeMap::new();
    for layer in layers {
        let mut direct_in_layer: BTreeMap<&'static str, bool> = BTreeMap::new();
        for assignment in layer {
            let Some((setting, direct)) = target(&assignment.name) else {
                let message = suggest::unknown(&assignment.name, &assignment.source);
                problems.add(&assignment.name, Some(&assignment.source), message);
                continue;
            };
            let before = direct_in_layer.insert(&setting.name, direct);
            if before.is_some_and(|before| before != direct) {
                let message = format!("set both directly and as {}_file; keep one", setting.name);
                problems.add(&setting.name, Some(&assignment.source), message);
            }
            match understand(setting, direct, &assignment.given) {
                Ok(winner) => {
                    winners.insert(&setting.name, (winner, assignment.source));
                }
                Err(message) => problems.add(&setting.name, Some(&assignment.source), message),
            }
        }
    }
    let mut values = Values::empty();
    for (name, (winner, source)) in winners {
        match winner {
            Winner::Value(value) => values.set(name, value, source),
            Winner::File(path) => open(name, path, source, &mut values, problems),
        }
    }
    values
}

/// The setting a name speaks of, and whether directly or through `..._file`.
fn target(name: &str) -> Option<(&'static Setting, bool)> {
    if let Some(setting) = schema::find(name) {
        return Some((setting, true));
    }
    let setting = schema::find(name.strip_suffix("_file")?)?;
    setting
        .kind
        .may_come_from_file()
        .then_some((setting, false))
}

fn understand(setting: &Setting, direct: bool, given: &Given) -> Result<Winner, String> {
    if setting.none.is_some() && given.text() == Some("") {
        return Ok(Winner::Value(Value::None));
    }
    if !direct {
        let path = given.text().map(|path| Winner::File(path.into()));
        return path.ok_or_else(|| format!("{} is not allowed; allowed: a path", given.shown()));
    }
    let value = setting.kind.read(given);
    value
        .map(Winner::Value)
        .map_err(|shown| format!("{shown} is not allowed; allowed: {}", setting.allowed()))
}

fn open(name: &str, path: PathBuf, source: Source, values: &mut Values, problems: &mut Problems) {
    let Some(setting) = schema::find(name) else {
        return;
    };
    let message = match std::fs::read_to_string(&path) {
        Err(error) => format!("cannot read {}: {error}", path.display()),
        Ok(content) => {
            let content = content.trim_end_matches(['\r', '\n']);
            match setting.kind.read(&Given::Text(content.to_owned())) {
                Ok(value) => {
                    let named_by = Box::new(source);
                    values.set(name, value, Source::Content { of: path, named_by });
                    return;
                }
                Err(_) if content.is_empty() => format!("{} is empty", path.display()),
                Err(shown) => format!(
                    "{shown} in {} is not allowed; allowed: {}",
                    path.display(),
                    setting.kind.allowed()
                ),
            }
        }
    };
    problems.add(name, Some(&source), message);
}
