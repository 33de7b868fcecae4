use std::net::SocketAddr;
use std::time::Duration;

use cleave::settings::Module;
use futures_util::future::join_all;
use reqwest::Client;
use sqlx::PgConnection;

use super::instances::{self, Detour, Running};
use super::turning::Turning;
use super::{TestDatabases, Topology, client};

const GRACE: Duration = Duration::from_secs(25);

/// A running shop and its databases: a front, and peers where modules are remote.
pub struct TestShop {
    pub databases: TestDatabases,
    /// The front's public listener.
    pub address: SocketAddr,
    pub(super) client: Client,
    /// The front first.
    processes: Vec<Running>,
    turning: Option<Turning>,
}

impl TestShop {
    pub async fn open() -> Self {
        Self::open_with(Topology::default(), &[]).await
    }

    /// With settings as on the command line, `section.key=value`, for every process.
    pub async fn open_with(topology: Topology, set: &[&str]) -> Self {
        let databases = TestDatabases::create().await;
        Self::open_on(databases, topology, set).await
    }

    /// Another shop on databases that are there; beside the first it is a replica.
    pub async fn open_on(databases: TestDatabases, topology: Topology, set: &[&str]) -> Self {
        Self::start(databases, topology, set, &|_, address| address).await
    }

    /// With something between the processes: `detour` is given each remote module and its address,
    /// and answers where its callers find it instead.
    pub async fn open_behind(topology: Topology, set: &[&str], detour: Detour<'_>) -> Self {
        let databases = TestDatabases::create().await;
        Self::start(databases, topology, set, detour).await
    }

    async fn start(
        databases: TestDatabases,
        topology: Topology,
        set: &[&str],
        detour: Detour<'_>,
    ) -> Self {
        let processes = instances::start(&databases, topology, set, detour).await;
        let front = &processes[0];
        let turning = topology
            .turning
            .then(|| Turning::start(front.private, &databases));
        Self {
            address: front.instance.address,
            turning,
            databases,
            client: client(),
            processes,
        }
    }

    /// Stops it as SIGTERM does, the front first.
    pub async fn close(mut self) {
        if let Some(turning) = self.turning {
            turning.stop().await;
        }
        let front = self.processes.remove(0);
        front.instance.stop(GRACE).await;
        let peers = self.processes.into_iter();
        join_all(peers.map(|peer| peer.instance.stop(GRACE))).await;
    }

    /// The front's private listener.
    pub fn private(&self) -> SocketAddr {
        self.processes[0].private
    }

    /// The process that hosts this module; the front when it does.
    fn hosting(&self, module: Module) -> &cleave::wiring::Shop {
        let found = self.processes.iter().find(|p| p.hosts.contains(&module));
        &found.unwrap().instance.shop
    }

    pub async fn connect(&self, module: Module) -> PgConnection {
        self.databases.connect(module).await
    }

    pub fn users(&self) -> &users::Module {
        self.hosting(Module::Users).users.as_ref().unwrap()
    }

    pub fn orders(&self) -> &orders::Module {
        self.hosting(Module::Orders).orders.as_ref().unwrap()
    }

    /// How many passwords the processes have hashed or verified so far.
    pub fn passwords_hashed(&self) -> u64 {
        let shops = self.processes.iter().map(|process| &process.instance.shop);
        let modules = shops.filter_map(|shop| shop.users.as_ref());
        modules.map(|users| users.passwords_hashed()).sum()
    }

    /// The products module as other modules reach it.
    pub fn products(&self) -> &dyn ports::Products {
        &**self.hosting(Module::Products).products.as_ref().unwrap()
    }
}
