//! The keys that sign access tokens with EdDSA: those in `auth.keys`, or one that development makes.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use platform::auth::{Ed25519Key, NotAKey};

use super::secrets;
use super::source::Problems;
use super::typed::AuthKey;
use super::value::Value;
use super::values::Values;

pub const SETTING: &str = "auth.keys";

/// In `<data_dir>/keys`.
const GENERATED: &str = "auth.key.pem";

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} {source}", path.display())]
    Wrong { path: PathBuf, source: NotAKey },
    #[error("two keys have the kid {0:?}; each needs its own")]
    Twice(String),
}

/// All of them, in their order.
pub fn read(keys: &[AuthKey]) -> Result<Vec<Ed25519Key>, KeyError> {
    let mut kids = BTreeSet::new();
    keys.iter()
        .map(|key| match kids.insert(&key.kid) {
            true => read_one(key),
            false => Err(KeyError::Twice(key.kid.clone())),
        })
        .collect()
}

fn read_one(AuthKey { kid, file }: &AuthKey) -> Result<Ed25519Key, KeyError> {
    let path = || file.clone();
    let pem = fs::read_to_string(file).map_err(|source| KeyError::Read {
        path: path(),
        source,
    })?;
    Ed25519Key::from_pem(Some(kid), &pem).map_err(|source| KeyError::Wrong {
        path: path(),
        source,
    })
}

/// Where it is kept, and the key itself; made now when there is none.
pub fn read_or_make(data_dir: &Path) -> (PathBuf, io::Result<Ed25519Key>) {
    let path = secrets::path(data_dir, GENERATED);
    let make = || Ed25519Key::generate_pem().ok_or_else(|| io::Error::other("no randomness"));
    let key = secrets::keep(&path, read_generated, make);
    (path, key)
}

fn read_generated(path: &Path) -> io::Result<Ed25519Key> {
    Ed25519Key::from_pem(None, &fs::read_to_string(path)?).map_err(io::Error::other)
}

pub fn in_use(values: &Values) -> bool {
    values.value("auth.algorithm").is_text("EdDSA")
}

/// Reads what was given, so that what is wrong is told with everything else that is.
pub fn check(values: &Values, problems: &mut Problems) {
    let Value::List(items) = values.value(SETTING) else {
        return;
    };
    let keys: Vec<AuthKey> = items.iter().cloned().map(AuthKey::from).collect();
    if let Err(error) = read(&keys) {
        problems.add_rule(SETTING, values.source(SETTING), error.to_string());
    }
}

pub fn check_production(values: &Values, problems: &mut Problems) {
    if matches!(values.value(SETTING), Value::List(items) if items.is_empty()) {
        let message = "missing; production does not generate the keys that EdDSA needs: give a \
                       list of {kid, file} (`openssl genpkey -algorithm ed25519` makes a file)";
        problems.add_rule(SETTING, None, message.to_owned());
    }
}
