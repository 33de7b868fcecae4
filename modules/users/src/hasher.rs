//! Passwords: argon2id, away from the threads that serve requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// 19 MiB of memory, 2 passes, 1 lane: what the OWASP Password Storage Cheat Sheet asks of argon2id
/// at least (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>),
/// written out so that another release of the crate does not change it in silence.
const PARAMS: Params = match Params::new(19 * 1024, 2, 1, Some(OUTPUT_BYTES)) {
    Ok(params) => params,
    Err(_) => panic!("argon2 does not take these parameters"),
};
const OUTPUT_BYTES: usize = 32;

/// How long a password waits for its turn, and how many wait for each core. Past either, the
/// caller is told to come back: hashes that pile up would take the machine from the shop.
const MAX_WAIT: Duration = Duration::from_secs(5);
const WAITING_PER_CORE: usize = 128;

/// Hashes and verifies passwords, as many at a time as there are cores.
#[derive(Debug)]
pub(crate) struct Hasher {
    running: Arc<Semaphore>,
    waiting: Semaphore,
    runs: AtomicU64,
}

#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    #[error("a password could not be hashed: {0}")]
    Failed(String),
}

/// What came of holding a password against a stored hash.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right {
        /// A hash with today's parameters, where the stored one has others.
        rehashed: Option<String>,
    },
}

impl Hasher {
    pub(crate) fn new() -> Self {
        // With fewer than the cores, two cores would sign in half as many. Requests are served by
        // other threads, and the system's fair scheduler gives each that wakes its share beside at
        // most one hash for each core.
        let cores = available_parallelism().map_or(1, usize::from);
        Self::with_room_for(cores, cores * WAITING_PER_CORE)
    }

    fn with_room_for(running: usize, waiting: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running)),
            waiting: Semaphore::new(waiting),
            runs: AtomicU64::new(0),
        }
    }

    /// How many passwords were hashed or verified so far.
    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// The hash to store, as a PHC string.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, HashError> {
        self.run(move || hash(&password)).await
    }

    /// Takes the same time whether there is an account or not.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<Verdict, HashError> {
        self.run(move || verify(&password, stored.as_deref())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> password_hash::Result<T> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = self.waiting.try_acquire().map_err(|_| HashError::Busy)?;
        let turn = Arc::clone(&self.running).acquire_owned();
        let turn = match timeout(MAX_WAIT, turn).await {
            Ok(Ok(turn)) => turn,
            _ => return Err(HashError::Busy),
        };
        drop(place);
        self.runs.fetch_add(1, Ordering::Relaxed);
        let job = spawn_blocking(move || {
            // Kept by the job: a caller who goes away does not stop it.
            let _turn = turn;
            job()
        });
        match job.await {
            Ok(result) => result.map_err(|error| HashError::Failed(error.to_string())),
            Err(error) => Err(HashError::Failed(error.to_string())),
        }
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

fn hash(password: &SecretString) -> password_hash::Result<String> {
    let hash = argon2().hash_password(password.expose_secret().as_bytes())?;
    Ok(hash.to_string())
}

fn verify(password: &SecretString, stored: Option<&str>) -> password_hash::Result<Verdict> {
    // An account whose hash is none has no password.
    let stored = stored.and_then(|text| PasswordHash::new(text).ok());
    let exists = stored.is_some();
    let stored = stored.map_or_else(nobodys_hash, Ok)?;
    match argon2().verify_password(password.expose_secret().as_bytes(), &stored) {
        Ok(()) if exists => Ok(Verdict::Right {
            rehashed: match is_current(&stored) {
                true => None,
                false => Some(hash(password)?),
            },
        }),
        Ok(()) | Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(error),
    }
}

/// Costs what a real one costs, and belongs to no password that anybody knows.
fn nobodys_hash() -> password_hash::Result<PasswordHash> {
    Ok(PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&PARAMS)?,
        salt: Some(Salt::new(&[0; 16])?),
        hash: Some(Output::new(&[0; OUTPUT_BYTES])?),
    })
}

fn is_current(stored: &PasswordHash) -> bool {
    stored.algorithm == ARGON2ID_IDENT
        && stored.version == Some(Version::V0x13.into())
        && Params::try_from(stored).is_ok_and(|params| params == PARAMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_right_password_from_a_wrong_one() {
        let stored = hash(&"correct horse".into()).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = |password: &str| verify(&password.into(), Some(&stored)).unwrap();
        assert_eq!(verify("correct horse"), Verdict::Right { rehashed: None });
        assert_eq!(verify("Correct horse"), Verdict::Wrong);
    }

    #[test]
    fn nobody_has_a_password() {
        for stored in [None, Some("!"), Some("")] {
            assert_eq!(verify(&"".into(), stored).unwrap(), Verdict::Wrong);
        }
        assert!(is_current(&nobodys_hash().unwrap()));
    }

    #[test]
    fn brings_an_older_hash_up_to_date() {
        let weak = Argon2::from(Params::new(64, 1, 1, None).unwrap());
        let old = weak.hash_password(b"correct horse").unwrap().to_string();
        let Verdict::Right {
            rehashed: Some(new),
        } = verify(&"correct horse".into(), Some(&old)).unwrap()
        else {
            panic!("not rehashed");
        };
        assert!(is_current(&PasswordHash::new(&new).unwrap()));
        assert_eq!(verify(&"wrong".into(), Some(&old)).unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn turns_callers_away_when_the_queue_is_full() {
        let hasher = Hasher::with_room_for(0, 1);
        let first = hasher.run(|| Ok(()));
        let second = async {
            tokio::task::yield_now().await;
            hasher.run(|| Ok(())).await
        };
        tokio::select! {
            biased;
            _ = first => panic!("there is no room to run"),
            answer = second => assert!(matches!(answer, Err(HashError::Busy))),
        }
    }
}
