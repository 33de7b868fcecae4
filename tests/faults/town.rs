//! The processes of a shop, at addresses that stay theirs when they are started again.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use cleave::settings::Module;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::plan::{Armed, Layout};
use crate::support::proxy::Proxy;
use crate::support::{
    Process, TestDatabases, command, eventually, on, roomy_folder, server_of, within,
};

/// A first start makes a database cluster, and one after a crash recovers it.
const A_START: Duration = Duration::from_secs(60);
/// Short, so that holds and payment windows end while others are at work.
const SETTINGS: [&str; 12] = [
    "auth.secret=a secret that all processes of the tests know",
    "internal.secret=another secret that all processes of the tests know",
    "ops.token=the operator's token of the tests, 32 bytes and more",
    "auth.access_token_minutes=1440",
    "modules.products.hold_ttl_s=1",
    "modules.orders.payment_window_s=4",
    "modules.users.pool_max=4",
    "modules.products.pool_max=10",
    "modules.orders.pool_max=10",
    "modules.products.circuit_open_ms=200",
    "modules.users.circuit_open_ms=200",
    "telemetry.log=warn",
];

struct Place {
    folder: TempDir,
    public: SocketAddr,
    private: SocketAddr,
    only: Vec<String>,
    /// Bound, so that nobody else gets the ports while the process is away.
    _ports: [TcpSocket; 2],
}

pub struct Town {
    /// Absent where a process runs its own server.
    databases: Option<TestDatabases>,
    /// Where clients may go.
    pub doors: Vec<SocketAddr>,
    pub line: Option<Proxy>,
    /// They end before their places go.
    lives: Vec<Process>,
    places: Vec<Place>,
    /// What processes wrote that are no more.
    logs: Vec<String>,
}

/// A socket that is bound keeps the port; the server, which sets SO_REUSEADDR too, may listen.
fn port() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket
}

fn place() -> Place {
    let ports = [port(), port()];
    Place {
        folder: roomy_folder(),
        public: ports[0].local_addr().unwrap(),
        private: ports[1].local_addr().unwrap(),
        only: Vec::new(),
        _ports: ports,
    }
}

impl Town {
    pub async fn open(layout: Layout, armed: &[Armed]) -> Self {
        let databases = match layout {
            Layout::Embedded => None,
            _ => Some(TestDatabases::create().await),
        };
        let mut places: Vec<Place> = (0..layout.processes()).map(|_| place()).collect();
        let mut line = None;
        if layout == Layout::Split {
            let proxy = Proxy::to(places[1].private);
            places[0].only = vec![
                "modules.products.mode=remote".to_owned(),
                format!("modules.products.url={}", proxy.url()),
            ];
            places[1].only = vec![
                "modules.orders.mode=off".to_owned(),
                "modules.users.mode=remote".to_owned(),
                format!("modules.users.url=http://{}", places[0].private),
            ];
            line = Some(proxy);
        }
        let doors = match layout {
            Layout::Split => vec![places[0].public],
            _ => places.iter().map(|place| place.public).collect(),
        };
        let mut town = Self {
            databases,
            doors,
            line,
            places,
            lives: Vec::new(),
            logs: Vec::new(),
        };
        for (number, &armed) in armed.iter().enumerate() {
            let life = town.spawn(number, &points(armed));
            town.lives.push(life);
        }
        town
    }

    fn command(&self, number: usize, arguments: &[&str]) -> Command {
        let place = &self.places[number];
        let command = command(place.folder.path(), place.public, arguments);
        let mut command = match &self.databases {
            Some(databases) => on(databases, command),
            None => command,
        };
        let private = format!("server.private={}", place.private);
        let settings = SETTINGS.iter().copied().chain([&*private]);
        for setting in settings.chain(place.only.iter().map(String::as_str)) {
            command.args(["--set", setting]);
        }
        command
    }

    fn spawn(&self, number: usize, points: &str) -> Process {
        let mut command = self.command(number, &["serve"]);
        command.env("CLEAVE_FAIL_POINTS", points);
        Process::spawn(command, self.places[number].public)
    }

    /// A command on the settings of a process, to its end: its exit code, and what it said.
    pub async fn run(&self, number: usize, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(number, arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        let said = [&*output.stdout, &*output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    pub fn is_alive(&mut self, number: usize) -> bool {
        self.lives[number].has_ended().is_none()
    }

    /// Kills it if it is not dead yet, and starts it with these points armed.
    pub async fn replace(&mut self, number: usize, points: &str) {
        if self.is_alive(number) {
            self.lives[number].signal(Signal::SIGKILL);
        }
        let life = &mut self.lives[number];
        eventually("a killed process ends", async || life.has_ended().is_some()).await;
        let (ended, log) = (life.has_ended().unwrap(), life.log());
        assert_eq!(
            ended.code(),
            None,
            "process {number} ended by itself: {log}"
        );
        self.logs.push(format!("--- process {number}\n{log}"));
        self.lives[number] = self.spawn(number, points);
    }

    pub async fn options(&self, module: Module) -> PgConnectOptions {
        if let Some(databases) = &self.databases {
            return databases.of(module);
        }
        let server = server_of(self.places[0].folder.path()).await;
        server.unwrap().connect_options(module.name())
    }

    pub async fn connect(&self, module: Module) -> PgConnection {
        let options = self.options(module).await;
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// Also one that is being started again.
    pub fn kill_server(&self) {
        let file = self.places[0]
            .folder
            .path()
            .join("pg/pgdata/postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Some(Ok(pid)) = text.lines().next().map(str::parse) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }

    pub fn signal(&self, number: usize, signal: Signal) {
        self.lives[number].signal(signal);
    }

    /// Ready, or dead at its armed point.
    pub async fn ready(&mut self, number: usize) {
        let life = &mut self.lives[number];
        within(A_START, "a process is ready", async || {
            life.has_ended().is_some() || life.is_ready().await
        })
        .await;
    }

    /// What all of them have written so far.
    pub fn log(&self) -> String {
        let lives = self.lives.iter().enumerate();
        let living = lives.map(|(number, life)| format!("--- process {number}\n{}", life.log()));
        self.logs.iter().cloned().chain(living).collect()
    }

    /// Email and password of an administrator.
    pub async fn admin(&self) -> Value {
        let arguments = ["admin", "create", "--email", "root@example.com", "--json"];
        let (_, said) = self.run(0, &arguments).await;
        let start = said.find('{').unwrap_or_else(|| panic!("{said}"));
        let mut values = serde_json::Deserializer::from_str(&said[start..]).into_iter();
        values.next().unwrap().unwrap()
    }
}

pub fn points(armed: Armed) -> String {
    armed.map_or_else(String::new, |(name, passage)| {
        format!("{name}=kill@{passage}")
    })
}

pub const MODULES_WITH_EVENTS: [Module; 2] = [Module::Users, Module::Orders];
