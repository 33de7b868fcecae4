use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;

use super::error::At;
use super::{DatabaseName, EmbeddedError};

/// The folder `pg` and the names in it.
#[derive(Clone, Debug)]
pub(super) struct Layout(PathBuf);

pub(super) type Lock = Flock<File>;

impl Layout {
    /// Makes the folder. Others may pass through it, since root hands the cluster to another user;
    /// each thing inside guards itself.
    pub(super) fn create(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let folder = data_dir.join("pg");
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&folder)
            .at("create the folder", &folder)?;
        Ok(Self(fs::canonicalize(&folder).at("resolve", &folder)?))
    }

    pub(super) fn existing(data_dir: &Path) -> Result<Option<Self>, EmbeddedError> {
        let folder = data_dir.join("pg");
        match fs::canonicalize(&folder) {
            Ok(folder) => Ok(Some(Self(folder))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).at("resolve", &folder),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    pub(super) fn data(&self) -> PathBuf {
        self.0.join("pgdata")
    }

    pub(super) fn unfinished_data(&self) -> PathBuf {
        self.0.join("pgdata.init")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.0.join("postgres.log")
    }

    pub(super) fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// Postgres' packages, where they had to be fetched.
    pub(super) fn dist(&self) -> PathBuf {
        self.0.join("dist")
    }

    pub(super) fn running(&self) -> PathBuf {
        self.0.join("running")
    }

    pub(super) fn password(&self) -> PathBuf {
        self.0.join("password")
    }

    pub(super) fn module_password(&self, module: &DatabaseName) -> PathBuf {
        self.0.join(format!("password.{}", module.module()))
    }

    /// `None` while another process holds it.
    pub(super) fn try_lock(&self) -> Result<Option<Lock>, EmbeddedError> {
        let path = self.0.join("lock");
        let file = match OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
        {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                return Err(self.is_anothers(e));
            }
            other => other.at("open", &path)?,
        };
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(lock)),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, e)) => Err(io::Error::from(e)).at("lock", &path),
        }
    }

    fn is_anothers(&self, denied: io::Error) -> EmbeddedError {
        let (path, me) = (self.0.clone(), geteuid().as_raw());
        match fs::metadata(&path).map(|folder| folder.uid()) {
            Ok(owner) if owner != me => EmbeddedError::OtherUser { path, owner, me },
            _ => EmbeddedError::File {
                action: "write into",
                path,
                source: denied,
            },
        }
    }

    /// Tries for a moment, since `attach` of another process takes the lock for an instant to see
    /// whether it is free.
    pub(super) fn lock(&self) -> Result<Lock, EmbeddedError> {
        for _ in 0..10 {
            if let Some(lock) = self.try_lock()? {
                return Ok(lock);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(EmbeddedError::InUse {
            folder: self.0.clone(),
        })
    }
}

/// Readable by its owner only, and either whole on the disk or not there.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<(), EmbeddedError> {
    let unfinished = path.with_added_extension("new");
    remove_if_there(&unfinished)?;
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)
        .at("create", &unfinished)?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .at("write", &unfinished)?;
    fs::rename(&unfinished, path).at("write", path)?;
    sync_parent(path)
}

/// Makes a rename in the folder last.
pub(super) fn sync_parent(path: &Path) -> Result<(), EmbeddedError> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    File::open(folder)
        .and_then(|f| f.sync_all())
        .at("write", folder)
}

pub(super) fn read_if_there(path: &Path) -> Result<Option<String>, EmbeddedError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end_matches('\n').to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).at("read", path),
    }
}

pub(super) fn remove_if_there(path: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e).at("remove", path),
        _ => Ok(()),
    }
}

/// 128 random bits, in letters that need no quoting anywhere.
pub(super) fn new_password() -> String {
    format!("{:032x}", rand::random::<u128>())
}

pub(super) fn remove_tree(path: &Path) -> Result<(), EmbeddedError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e).at("remove", path),
        _ => Ok(()),
    }
}
