use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::access::{Access, MAINTENANCE};
use super::files::{Layout, Lock, read_if_there, remove_if_there, write_private};
use super::process::Launch;
use super::supervisor::{State, Supervisor};
use super::{EmbeddedError, Options, Search, identity, initdb, programs, roles, socket};

/// A running server that this process owns. It stops with `stop`, with a drop, and with the death
/// of this process.
pub struct Cluster {
    access: Access,
    supervisor: Supervisor,
    layout: Layout,
    /// Last, so that it is freed when the server is gone.
    _lock: Lock,
}

impl Cluster {
    /// Makes the cluster when there is none, starts the server, and makes what databases and roles
    /// are missing.
    pub async fn start(options: Options) -> Result<Self, EmbeddedError> {
        Self::start_with(options, Search::system()).await
    }

    /// As `start`, looking for Postgres' programs in other places than the usual.
    pub async fn start_with(options: Options, search: Search) -> Result<Self, EmbeddedError> {
        let data_dir = options.data_dir.clone();
        let (layout, lock) = blocking(move || {
            let layout = Layout::create(&data_dir)?;
            let lock = layout.lock()?;
            Ok((layout, lock))
        })
        .await?;
        Self::start_locked(options, search, layout, lock).await
    }

    pub(super) async fn start_locked(
        options: Options,
        search: Search,
        layout: Layout,
        lock: Lock,
    ) -> Result<Self, EmbeddedError> {
        let names = options.databases.clone();
        let (lock, launch, superuser_password) = blocking(move || {
            let (launch, password) = prepare(options, search, layout)?;
            Ok((lock, launch, password))
        })
        .await?;
        let (layout, socket) = (launch.layout.clone(), launch.socket.clone());
        let supervisor = Supervisor::start(launch).await?;
        let mut access = Access {
            socket,
            superuser_password,
            modules: Default::default(),
        };
        access.modules = roles::ensure(&access, &layout, &names).await?;
        write_private(
            &layout.running(),
            access.socket.as_os_str().as_encoded_bytes(),
        )?;
        Ok(Self {
            access,
            supervisor,
            layout,
            _lock: lock,
        })
    }

    /// As the module's own role, on the module's own database.
    pub fn connect_options(&self, module: &str) -> PgConnectOptions {
        self.access.module(module)
    }

    /// As superuser, on the database `postgres`.
    pub fn admin_options(&self) -> PgConnectOptions {
        self.access.admin(MAINTENANCE)
    }

    pub fn state(&self) -> watch::Receiver<State> {
        self.supervisor.state()
    }

    pub async fn stop(self) {
        // A file that stays misleads nobody for long: who reads it also looks at the lock.
        let _ = remove_if_there(&self.layout.running());
        self.supervisor.stop().await;
        socket::tidy(&self.layout, &self.access.socket);
    }
}

fn prepare(
    options: Options,
    search: Search,
    layout: Layout,
) -> Result<(Launch, String), EmbeddedError> {
    let owner = identity::owner(&layout)?;
    let made = initdb::is_made(&layout)?;
    let programs = programs::find(
        options.bin_dir.as_deref(),
        search,
        &layout,
        &options.progress,
    )?;
    let identity = identity::choose(owner.filter(|_| made), &layout, &programs)?;
    if !made {
        initdb::make(&layout, &programs, identity, &options.progress)?;
    }
    let path = layout.password();
    let password = read_if_there(&path)?.ok_or(EmbeddedError::PasswordLost { path })?;
    let socket = socket::folder(&layout, identity)?;
    remove_if_there(&layout.running())?;
    Ok((
        Launch {
            layout,
            programs,
            identity,
            socket,
            progress: options.progress,
        },
        password,
    ))
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmbeddedError> + Send + 'static,
) -> Result<T, EmbeddedError> {
    spawn_blocking(work)
        .await
        .map_err(|_| EmbeddedError::Interrupted)?
}
