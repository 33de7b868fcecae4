use std::io;
use std::path::{Path, PathBuf};

use super::missing::Missing;

#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "another running cleave uses {}; stop it, or choose another data folder",
        folder.display()
    )]
    InUse { folder: PathBuf },

    #[error("{0}")]
    ProgramsMissing(Missing),

    #[error(
        "the data in {} was made by PostgreSQL {cluster}, but here is only: {found}. Install \
         PostgreSQL {cluster}, or name its folder with CLEAVE__EMBEDDED__BIN_DIR, or move the data \
         with pg_upgrade",
        data.display()
    )]
    WrongMajor {
        data: PathBuf,
        cluster: u32,
        found: String,
    },

    #[error(
        "{} was not made by cleave, so it is left alone: {why}. Choose another data folder with \
         CLEAVE__DATA_DIR",
        path.display()
    )]
    NotOurs { path: PathBuf, why: String },

    #[error(
        "{} belongs to user {owner}, and this is user {me}. Start cleave as the same user as \
         before, or choose another data folder with CLEAVE__DATA_DIR",
        path.display()
    )]
    OtherUser { path: PathBuf, owner: u32, me: u32 },

    #[error(
        "Postgres refuses to run as root, and {why}. Start cleave as an ordinary user, or choose a \
         data folder that others may enter, such as CLEAVE__DATA_DIR=/var/lib/cleave"
    )]
    NobodyToRunIt { why: String },

    #[error("initdb failed in {}:\n{output}", path.display())]
    Initdb { path: PathBuf, output: String },

    #[error(
        "the cluster is there, but its password is not: {} is missing. Put it back from a copy",
        path.display()
    )]
    PasswordLost { path: PathBuf },

    #[error("an old server still holds {} (process {processes})", path.display())]
    OldServer { path: PathBuf, processes: String },

    #[error("Postgres did not start: {why}. The end of {}:\n{tail}", log.display())]
    DidNotStart {
        why: String,
        log: PathBuf,
        tail: String,
    },

    #[error(
        "another cleave holds {}, but its Postgres did not answer within {seconds} seconds",
        folder.display()
    )]
    NoAnswer { folder: PathBuf, seconds: u64 },

    #[error("cannot {action} in the embedded Postgres")]
    Database {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },

    #[error("cannot {action} {}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },

    #[error(
        "a module's name has lower-case letters, digits and underscores, begins with a letter and \
         has at most 40 of them; {0:?} does not"
    )]
    Name(String),

    #[error("the start of the embedded Postgres was cut short")]
    Interrupted,
}

/// Names the file in an I/O error; the error's own text, such as "No space left on device", stays
/// as its source.
pub(super) trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, EmbeddedError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, EmbeddedError> {
        self.map_err(|source| EmbeddedError::File {
            action,
            path: path.to_owned(),
            source,
        })
    }
}

pub(super) trait While<T> {
    fn during(self, action: &'static str) -> Result<T, EmbeddedError>;
}

impl<T> While<T> for Result<T, sqlx::Error> {
    fn during(self, action: &'static str) -> Result<T, EmbeddedError> {
        self.map_err(|source| EmbeddedError::Database { action, source })
    }
}
