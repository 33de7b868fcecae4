//! The certificate of the public listener and its key.

use std::path::PathBuf;

use super::schema::env_name;
use super::source::Problems;
use super::value::Value;
use super::values::Values;
use crate::tls::{CERT, Files, KEY};

/// Reads the files, so that what is wrong with them is told with everything else that is.
pub fn check(values: &Values, problems: &mut Problems) {
    let path = |name| match values.value(name) {
        Value::Text(path) => Some(PathBuf::from(path)),
        _ => None,
    };
    let (given, missing) = match (path(CERT), path(KEY)) {
        (None, None) => return,
        (Some(cert), Some(key)) => {
            for error in (Files { cert, key }).problems() {
                let source = values.source(error.setting);
                problems.add_rule(error.setting, source, error.to_string());
            }
            return;
        }
        (Some(_), None) => (CERT, KEY),
        (None, Some(_)) => (KEY, CERT),
    };
    let source = values.source(given).map(ToString::to_string);
    let message = format!(
        "missing; {given} ({}) needs it: set both for HTTPS ({}), or neither",
        source.unwrap_or_default(),
        env_name(missing)
    );
    problems.add_rule(missing, None, message);
}
