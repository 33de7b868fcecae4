//! The real program, as its operator starts it.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cleave::embedded::{Attached, DatabaseName, attach};
use cleave::settings::Module;
use nix::sys::signal::{Signal, kill};
use nix::sys::statvfs::statvfs;
use nix::unistd::Pid;
use reqwest::{Certificate, Client, Method, RequestBuilder};
use sqlx::ConnectOptions;
use tempfile::TempDir;

use super::{TestDatabases, eventually};

/// A first start makes a database cluster, on a machine that is busy with tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder for a short-lived cluster: in memory where there is plenty of it.
pub fn roomy_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match statvfs(memory) {
        Ok(space) if space.blocks_available() * space.fragment_size() > 4 << 30 => {
            tempfile::tempdir_in(memory).unwrap()
        }
        _ => tempfile::tempdir().unwrap(),
    }
}

/// The database server that a process runs from its data folder, if one does.
pub async fn server_of(data_dir: &Path) -> Option<Attached> {
    let databases = Module::ALL.map(|module| DatabaseName::new(module.name()).unwrap());
    attach(data_dir, &databases).await.unwrap()
}

/// Nobody listens there, for now.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// `cleave` with these arguments, on a data folder, and with nothing of this environment but PATH.
pub fn command(data_dir: &Path, address: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cleave"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    for variable in ["PATH", "LLVM_PROFILE_FILE"] {
        command.envs(std::env::var_os(variable).map(|value| (variable, value)));
    }
    for setting in [
        format!("data_dir={}", data_dir.display()),
        format!("server.public={address}"),
        "server.private=127.0.0.1:0".to_owned(),
        "server.workers=1".to_owned(),
        "limits.requests_per_second=0".to_owned(),
        "limits.login_per_minute=0".to_owned(),
    ] {
        command.args(["--set", &setting]);
    }
    command
}

/// On the databases of a test, by their addresses.
pub fn on(databases: &TestDatabases, mut command: Command) -> Command {
    for (module, options) in databases.all() {
        let variable = format!(
            "CLEAVE__MODULES__{}__DATABASE_URL",
            module.name().to_uppercase()
        );
        command.env(variable, options.to_url_lossy().as_str());
    }
    command
}

/// A serving process; killed when it is dropped.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
    client: Client,
    scheme: &'static str,
    log: Arc<Mutex<String>>,
    /// Ends with what it writes to.
    reader: JoinHandle<()>,
}

impl Process {
    /// Starts it, and returns when it is ready.
    pub async fn serve(command: Command, address: SocketAddr) -> Self {
        let mut process = Self::spawn(command, address);
        process.be_ready().await;
        process
    }

    /// Over HTTPS, asked by a client that trusts nothing but this.
    pub async fn serve_tls(command: Command, address: SocketAddr, trusted: Certificate) -> Self {
        let mut process = Self::spawn(command, address);
        process.trust(trusted);
        process.be_ready().await;
        process
    }

    /// From now on, in new connections.
    pub fn trust(&mut self, certificate: Certificate) {
        let client = Client::builder().no_proxy().tls_certs_only([certificate]);
        self.client = client.build().unwrap();
        self.scheme = "https";
    }

    async fn be_ready(&mut self) {
        let start = Instant::now();
        while !self.is_ready().await {
            let ended = self.has_ended();
            assert!(ended.is_none(), "{ended:?}: {}", self.log());
            assert!(start.elapsed() < PATIENCE, "not ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts it, whatever becomes of it.
    pub fn spawn(mut command: Command, address: SocketAddr) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let client = super::client();
        Self {
            address,
            child,
            client,
            scheme: "http",
            log,
            reader,
        }
    }

    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub async fn is_ready(&self) -> bool {
        let answer = self.request(Method::GET, "/health/ready").send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}://{}{path}", self.scheme, self.address);
        self.client.request(method, url)
    }

    /// What it has written to standard error.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Its exit code, once it has ended; `None` when a signal ended it.
    pub async fn ended(mut self) -> Option<i32> {
        self.end().await
    }

    /// As `ended`, and all that it has written to standard error.
    pub async fn ended_saying(mut self) -> (Option<i32>, String) {
        let code = self.end().await;
        eventually("its log ends", async || self.reader.is_finished()).await;
        (code, self.log())
    }

    async fn end(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.has_ended() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "does not end: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
