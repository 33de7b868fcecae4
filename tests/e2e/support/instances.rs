//! The processes of a shop: instances in this process, at addresses they know of each other.

use std::net::SocketAddr;
use std::path::Path;

use cleave::databases::Databases;
use cleave::instance::Instance;
use cleave::settings::{Inputs, Module, Purpose, Settings};
use reqwest::Client;
use tempfile::TempDir;
use tokio::net::TcpSocket;

use super::{TestDatabases, Topology, client, eventually, roomy_folder};

pub const OPS_TOKEN: &str = "the operator's token of the tests, 32 bytes and more";
/// What all processes of a run share, so that several shops may be replicas.
/// Signs the access tokens of every shop.
pub const AUTH_SECRET: &str = "a secret that all processes of the tests know";
const INTERNAL_SECRET: &str = "another secret that all processes of the tests know";

/// Given a module and its address, where others shall reach it; such as a proxy before it.
pub type Detour<'a> = &'a dyn Fn(Module, SocketAddr) -> SocketAddr;

pub struct Running {
    pub instance: Instance,
    pub hosts: &'static [Module],
    /// Of the private listener.
    pub private: SocketAddr,
    _port: TcpSocket,
    _data_dir: TempDir,
}

/// Starts them all, and returns when each is ready; the front comes first.
pub async fn start(
    databases: &TestDatabases,
    topology: Topology,
    set: &[&str],
    detour: Detour<'_>,
) -> Vec<Running> {
    let ports: Vec<TcpSocket> = topology.processes.iter().map(|_| reserve_port()).collect();
    let addresses: Vec<SocketAddr> = ports.iter().map(|p| p.local_addr().unwrap()).collect();
    let mut running: Vec<Running> = Vec::new();
    for (number, port) in ports.into_iter().enumerate() {
        let data_dir = roomy_folder();
        let mut own = placement(topology, number, &addresses, detour);
        own.push(format!("server.private={}", addresses[number]));
        // All see the same pictures, as replicas must.
        let media = running
            .first()
            .map_or(data_dir.path(), |front| front._data_dir.path());
        own.push(format!("media.url=file://{}/media", media.display()));
        let mut settings = settings(data_dir.path(), &own, set);
        let secrets = settings.generate_missing_secrets().unwrap();
        // With E2E_LOG=1, what the shop logs; the first one of a run starts it.
        if std::env::var_os("E2E_LOG").is_some() {
            let _ = cleave::telemetry::start(&settings.telemetry);
        }
        let given = Databases::given(databases.all());
        running.push(Running {
            instance: Instance::start(&settings, &secrets, &given).await.unwrap(),
            hosts: topology.processes[number],
            private: addresses[number],
            _port: port,
            _data_dir: data_dir,
        });
    }
    let client = client();
    for process in &running {
        be_ready(process, &client).await;
    }
    running
}

/// Peers are told each other's ports before they listen. A bound socket keeps everybody else from
/// getting the port; as it does not listen, and both it and the server's set SO_REUSEADDR, the
/// server may bind beside it, also a second time.
fn reserve_port() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket
}

async fn be_ready(process: &Running, client: &Client) {
    let url = format!("http://{}/health/ready", process.instance.address);
    eventually("each process is ready", async || {
        let answer = client.get(&url).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
}

/// Whom a module asks when it serves.
fn asks(module: Module) -> &'static [Module] {
    match module {
        Module::Users => &[Module::Orders],
        Module::Products => &[Module::Users],
        Module::Orders => &[Module::Users, Module::Products],
    }
}

/// Modes and urls of the modules, as the settings of one process.
fn placement(
    topology: Topology,
    number: usize,
    addresses: &[SocketAddr],
    detour: Detour<'_>,
) -> Vec<String> {
    let hosts = topology.processes[number];
    let is_front = number == 0;
    let mut set = Vec::new();
    for module in Module::ALL {
        let hosted = hosts.contains(&module);
        let asked = is_front || hosts.iter().any(|host| asks(*host).contains(&module));
        let mode = match (hosted, asked) {
            (true, _) => "local",
            (false, true) => "remote",
            (false, false) => "off",
        };
        set.push(format!("modules.{module}.mode={mode}"));
        // The front can move what it hosts, too.
        if let Some(peer) = topology.elsewhere(number, module)
            && (is_front || mode == "remote")
        {
            let address = detour(module, addresses[peer]);
            set.push(format!("modules.{module}.url=http://{address}"));
        }
    }
    set
}

/// What `set` says wins.
fn settings(data_dir: &Path, own: &[String], set: &[&str]) -> Settings {
    let mut inputs = Inputs::of_process(Purpose::Serve);
    inputs.environment.clear();
    let common = [
        format!("data_dir={}", data_dir.display()),
        format!("auth.secret={AUTH_SECRET}"),
        format!("internal.secret={INTERNAL_SECRET}"),
        format!("ops.token={OPS_TOKEN}"),
        "server.public=127.0.0.1:0".to_owned(),
        "server.workers=1".to_owned(),
        "limits.requests_per_second=0".to_owned(),
        "limits.login_per_minute=0".to_owned(),
    ];
    // On a busy machine nobody gives up earlier than where modules are local.
    let patience = Module::ALL.map(|module| format!("modules.{module}.call_timeout_ms=10000"));
    let given = set.iter().map(|&setting| setting.to_owned());
    let own = own.iter().cloned();
    inputs.set = common
        .into_iter()
        .chain(patience)
        .chain(own)
        .chain(given)
        .collect();
    Settings::load(&inputs).unwrap_or_else(|problems| panic!("{problems}"))
}
