//! Secrets: what is too weak for production, and those that development makes for itself.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::source::{Problems, Source};
use super::value::Value;
use super::values::Values;

/// The secrets every process needs, as named in the settings and in `<data_dir>/keys`.
pub const NAMES: [&str; 3] = ["auth.secret", "internal.secret", "ops.token"];

pub const MIN_BYTES: usize = 32;

/// Parts of the secrets that our documents show, in small letters. Whoever writes a sample into
/// a document makes it from one of these.
pub const SAMPLES: [&str; 9] = [
    "user-service-secret-key",
    "product-service-secret-key",
    "order-service-secret-key",
    "change-in-production",
    "change-me",
    "change_me",
    "changeme",
    "your-secret",
    "not-for-production",
];

/// Why a secret must not be used in production.
pub fn weakness(secret: &str) -> Option<String> {
    let lower = secret.to_lowercase();
    if SAMPLES.iter().any(|sample| lower.contains(sample)) {
        return Some("is a sample from the documents".to_owned());
    }
    (secret.len() < MIN_BYTES).then(|| format!("has only {} bytes", secret.len()))
}

/// Where development keeps the secret it made for this setting.
pub fn path(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join("keys").join(name)
}

/// Takes what an earlier start made for the secrets that nobody set.
pub fn read_generated(values: &mut Values, data_dir: &Path, problems: &mut Problems) {
    for name in NAMES {
        if !values.value(name).is_none() {
            continue;
        }
        let path = path(data_dir, name);
        match read(&path) {
            Ok(secret) => values.set(name, Value::Secret(secret), Source::Generated(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("cannot read: {error}; remove the file for a new secret");
                problems.add_rule(name, Some(&Source::Generated(path)), message);
            }
        }
    }
}

fn read(path: &Path) -> io::Result<SecretString> {
    let text = fs::read_to_string(path)?;
    let text = text.trim_end();
    if text.len() < MIN_BYTES {
        return Err(io::Error::other("the file is damaged"));
    }
    Ok(text.into())
}

/// The secret in the file, made now when there is none.
pub fn read_or_make(path: &Path) -> io::Result<SecretString> {
    keep(path, read, || Ok(random() + "\n"))
}

/// What `read` finds in the file, which is made now when there is none. Processes that start together
/// wait for each other at the lock, so all of them read what the first one wrote.
pub fn keep<T>(
    path: &Path,
    read: fn(&Path) -> io::Result<T>,
    make: impl FnOnce() -> io::Result<String>,
) -> io::Result<T> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder.parent().unwrap_or(Path::new(".")))?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let lock = private_file(&folder.join("lock"))?;
    lock.lock()?;
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    // Written beside and renamed, so that a crash leaves no half secret under the name.
    let fresh = path.with_added_extension("new");
    let mut file = private_file(&fresh)?;
    file.set_len(0)?;
    file.write_all(make()?.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()?;
    read(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// 256 bits as 64 hexadecimal digits, fit for a header and an environment variable.
fn random() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn weak_is_short_or_known() {
        assert_eq!(
            weakness(&"x".repeat(31)).as_deref(),
            Some("has only 31 bytes")
        );
        assert_eq!(weakness("0123456789abcdef0123456789abcdef"), None);
        for sample in [
            "user-service-secret-key",
            "order-service-secret-key-change-in-production",
            "Change-Me-Change-Me-Change-Me-Change-Me-Change-Me",
        ] {
            assert_eq!(
                weakness(sample).as_deref(),
                Some("is a sample from the documents")
            );
        }
    }

    #[test]
    fn those_who_start_together_agree() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(&folder.path().join("data"), "auth.secret");
        let made: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| read_or_make(&path).unwrap()))
                .collect();
            let secrets = threads.into_iter().map(|thread| thread.join().unwrap());
            secrets
                .map(|secret| secret.expose_secret().to_owned())
                .collect()
        });
        assert_eq!(made[0].len(), 64);
        assert!(made.iter().all(|secret| *secret == made[0]));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn a_damaged_file_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "ops.token");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, "short").unwrap();
        assert!(read_or_make(&path).is_err());
    }
}
