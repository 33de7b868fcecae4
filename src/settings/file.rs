//! A TOML document as a layer: one assignment for each leaf, with its line.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::layers::{Assignment, Layer};
use super::schema;
use super::source::{Problems, Source};
use super::value::Given;

/// Reads the file a person named; a file that cannot be read or parsed is a problem.
pub fn read(path: &Path, named_by: &Source, problems: &mut Problems) -> Layer {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, problems, |line| Source::File {
            path: path.to_owned(),
            line,
        }),
        Err(error) => {
            let subject = format!("configuration file {}", path.display());
            problems.add(&subject, Some(named_by), format!("cannot be read: {error}"));
            Layer::new()
        }
    }
}

/// The defaults are compiled in, so they need no file and no lines.
pub fn parse(text: &str, problems: &mut Problems, source: impl Fn(usize) -> Source) -> Layer {
    let line = |offset: usize| text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1;
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            let line = error.span().map_or(1, |span| line(span.start));
            let message = format!("not valid TOML: {}", error.message().replace('\n', ", "));
            problems.add("configuration file", Some(&source(line)), message);
        }
        return Layer::new();
    }
    let mut leaves = Vec::new();
    collect(String::new(), document.get_ref(), &mut leaves);
    leaves
        .into_iter()
        .map(|(name, given, offset)| Assignment {
            name,
            given,
            source: source(line(offset)),
        })
        .collect()
}

type Leaf = (String, Given, usize);

/// A table is a section unless a setting has its name: then it is that setting's wrong value.
fn collect(prefix: String, table: &DeTable<'_>, leaves: &mut Vec<Leaf>) {
    for (key, value) in table {
        let name = match prefix.as_str() {
            "" => key.get_ref().to_string(),
            prefix => format!("{prefix}.{}", key.get_ref()),
        };
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() && schema::find(&name).is_none() => {
                collect(name, inner, leaves);
            }
            DeValue::Table(_) if schema::is_section(&name) => {}
            other => leaves.push((name, given(other), key.span().start)),
        }
    }
}

fn given(value: &DeValue<'_>) -> Given {
    match value {
        DeValue::String(text) => Given::String(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Given::Other("a number out of range"), Given::Integer),
        DeValue::Boolean(flag) => Given::Flag(*flag),
        DeValue::Array(items) => Given::List(items.iter().map(|v| given(v.get_ref())).collect()),
        DeValue::Table(table) => Given::Table(
            table
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), given(value.get_ref())))
                .collect(),
        ),
        DeValue::Float(number) => {
            (number.as_str().parse()).map_or(Given::Other("a number out of range"), Given::Fraction)
        }
        DeValue::Datetime(_) => Given::Other("a date"),
    }
}

/// `--config` wins over CLEAVE_CONFIG; the source says which one it was.
pub fn chosen(
    option: Option<&Path>,
    environment: &[(std::ffi::OsString, std::ffi::OsString)],
) -> Option<(PathBuf, Source)> {
    const VARIABLE: &str = "CLEAVE_CONFIG";
    if let Some(path) = option {
        return Some((path.to_owned(), Source::Option("--config")));
    }
    let (_, path) = environment.iter().find(|(name, _)| name == VARIABLE)?;
    (!path.is_empty()).then(|| (path.into(), Source::Environment(VARIABLE.to_owned())))
}
