//! A command beside a running cleave uses the server that is there.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;

use super::access::{Access, MAINTENANCE};
use super::cluster::{Cluster, blocking};
use super::files::{Layout, read_if_there};
use super::{DatabaseName, EmbeddedError, Options, Progress, Search, State, roles};

/// The other process may be making its cluster, or starting its server again.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that another process runs.
pub struct Attached(Access);

impl Attached {
    pub fn connect_options(&self, module: &str) -> PgConnectOptions {
        self.0.module(module)
    }

    pub fn admin_options(&self) -> PgConnectOptions {
        self.0.admin(MAINTENANCE)
    }
}

/// Joins the server that another process runs from this folder; `None` when no process does.
/// Databases that are missing are made.
pub async fn attach(
    data_dir: &Path,
    databases: &[DatabaseName],
) -> Result<Option<Attached>, EmbeddedError> {
    match Layout::existing(data_dir)? {
        Some(layout) => join(&layout, databases, &Progress::default()).await,
        None => Ok(None),
    }
}

async fn join(
    layout: &Layout,
    databases: &[DatabaseName],
    progress: &Progress,
) -> Result<Option<Attached>, EmbeddedError> {
    let begun = Instant::now();
    let mut told = false;
    while begun.elapsed() < PATIENCE {
        if layout.try_lock()?.is_some() {
            return Ok(None);
        }
        if let Some(attached) = try_attach(layout, databases).await? {
            return Ok(Some(attached));
        }
        if !told && begun.elapsed() > Duration::from_secs(1) {
            progress.say("Waiting for the Postgres that another cleave starts");
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(EmbeddedError::NoAnswer {
        folder: layout.folder().to_owned(),
        seconds: PATIENCE.as_secs(),
    })
}

/// `None` while the server is not there yet, or not there any more.
async fn try_attach(
    layout: &Layout,
    databases: &[DatabaseName],
) -> Result<Option<Attached>, EmbeddedError> {
    let (Some(socket), Some(superuser_password)) = (
        read_if_there(&layout.running())?,
        read_if_there(&layout.password())?,
    ) else {
        return Ok(None);
    };
    let mut access = Access {
        socket: PathBuf::from(socket),
        superuser_password,
        modules: Default::default(),
    };
    match roles::ensure(&access, layout, databases).await {
        Ok(modules) => access.modules = modules,
        Err(EmbeddedError::Database { source, .. }) if is_passing(&source) => return Ok(None),
        Err(e) => return Err(e),
    }
    Ok(Some(Attached(access)))
}

/// No socket, a cut connection, or a server that is starting or stopping.
fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(e) => e.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// What a command works with: the running server when there is one, else one of its own for as long
/// as it takes.
pub enum Server {
    Own(Cluster),
    Attached(Attached),
}

impl Server {
    pub async fn open(options: Options) -> Result<Self, EmbeddedError> {
        let data_dir = options.data_dir.clone();
        let layout = blocking(move || Layout::create(&data_dir)).await?;
        loop {
            if let Some(lock) = layout.try_lock()? {
                return Ok(Self::Own(
                    Cluster::start_locked(options, Search::system(), layout, lock).await?,
                ));
            }
            if let Some(attached) = join(&layout, &options.databases, &options.progress).await? {
                return Ok(Self::Attached(attached));
            }
        }
    }

    pub fn connect_options(&self, module: &str) -> PgConnectOptions {
        match self {
            Self::Own(cluster) => cluster.connect_options(module),
            Self::Attached(attached) => attached.connect_options(module),
        }
    }

    pub fn admin_options(&self) -> PgConnectOptions {
        match self {
            Self::Own(cluster) => cluster.admin_options(),
            Self::Attached(attached) => attached.admin_options(),
        }
    }

    /// How the server is, for the process that runs it.
    pub fn state(&self) -> Option<watch::Receiver<State>> {
        match self {
            Self::Own(cluster) => Some(cluster.state()),
            Self::Attached(_) => None,
        }
    }

    pub async fn close(self) {
        if let Self::Own(cluster) = self {
            cluster.stop().await;
        }
    }
}
