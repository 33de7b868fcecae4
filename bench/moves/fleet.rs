//! The processes of a shop, and the databases they share.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cleave::databases::embedded_options;
use cleave::embedded::Cluster;
use cleave::settings::Module;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use sqlx::{ConnectOptions, Connection, PgConnection};

pub const SECRET: &str = "only for this bench, and long enough";

/// A server of its own, in the temporary folder, with the settings that users get.
pub struct Databases {
    cluster: Cluster,
    folder: tempfile::TempDir,
}

impl Databases {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = embedded_options(folder.path(), None).unwrap();
        let cluster = Cluster::start(options).await.unwrap();
        let databases = Self { cluster, folder };
        let migrated = command(&databases, "migrate").arg("migrate").status();
        assert!(migrated.unwrap().success());
        databases
    }

    pub async fn stop(self) {
        self.cluster.stop().await;
    }

    pub async fn connect(&self, module: Module) -> PgConnection {
        let options = self.cluster.connect_options(module.name());
        PgConnection::connect_with(&options).await.unwrap()
    }

    fn url(&self, module: Module) -> String {
        let options = self.cluster.connect_options(module.name());
        options.to_url_lossy().to_string()
    }

    /// As many products as asked for, made by the first who asks.
    pub async fn products(&self, number: usize) -> Vec<String> {
        let mut connection = self.connect(Module::Products).await;
        let ids = "select id::text from products order by id";
        let found: Vec<String> = sqlx::query_scalar(ids)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        if found.len() >= number {
            return found;
        }
        let line = |number: usize| {
            json!({
                "sku": format!("BENCH-{number}"),
                "name": format!("Product {number}"),
                "price": { "amount": 1999, "currency": "EUR" },
                "stock": { "on_hand": 1_000_000 },
            })
        };
        let lines: Vec<String> = (0..number).map(|number| line(number).to_string()).collect();
        let file = self.folder.path().join("products.ndjson");
        std::fs::write(&file, lines.join("\n")).unwrap();
        let mut import = command(self, "import");
        let imported = import.arg("import").arg(file).status().unwrap();
        assert!(imported.success());
        sqlx::query_scalar(ids)
            .fetch_all(&mut connection)
            .await
            .unwrap()
    }

    pub async fn orders(&self) -> i64 {
        let mut connection = self.connect(Module::Orders).await;
        sqlx::query_scalar("select count(*) from orders")
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }
}

/// Who hosts what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    AllLocal,
    ProductsRemote,
    /// Three services behind a front that hosts none.
    AllRemote,
    /// Two processes with all modules, each able to take over from the other.
    BesideEachOther,
}

impl Placement {
    pub const ALL: [Self; 3] = [Self::AllLocal, Self::ProductsRemote, Self::AllRemote];

    pub fn name(self) -> &'static str {
        match self {
            Self::AllLocal => "all local",
            Self::ProductsRemote => "products remote",
            Self::AllRemote => "all remote, front hosts none",
            Self::BesideEachOther => "beside each other",
        }
    }

    /// The hosted modules of each process; the first is the front.
    fn hosted(self) -> &'static [&'static [Module]] {
        use Module::{Orders, Products, Users};
        match self {
            Self::AllLocal => &[&[Users, Products, Orders]],
            Self::ProductsRemote => &[&[Users, Orders], &[Products]],
            Self::AllRemote => &[&[], &[Users], &[Products], &[Orders]],
            Self::BesideEachOther => &[&[Users, Products, Orders], &[Users, Products, Orders]],
        }
    }
}

/// Running processes; the first is the front.
pub struct Fleet {
    processes: Vec<Process>,
    client: reqwest::Client,
}

struct Process {
    child: Child,
    public: SocketAddr,
    private: SocketAddr,
}

impl Fleet {
    pub async fn start(databases: &Databases, placement: Placement) -> Self {
        let hosted = placement.hosted();
        let addresses: Vec<(SocketAddr, SocketAddr)> = hosted
            .iter()
            .map(|_| (free_address(), free_address()))
            .collect();
        // The last process that hosts a module is where the others find it.
        let private_of = |module: Module| {
            let at = hosted.iter().rposition(|hosted| hosted.contains(&module));
            addresses[at.unwrap()].1
        };
        let mut processes = Vec::new();
        for (place, ((public, private), hosted)) in addresses.iter().zip(hosted).enumerate() {
            let mut process = command(databases, &place.to_string());
            for module in Module::ALL {
                if !hosted.contains(&module) {
                    set(&mut process, &format!("modules.{module}.mode=remote"));
                }
                if private_of(module) != *private {
                    set(
                        &mut process,
                        &format!("modules.{module}.url=http://{}", private_of(module)),
                    );
                }
            }
            set(&mut process, &format!("server.public={public}"));
            set(&mut process, &format!("server.private={private}"));
            processes.push(Process {
                child: process.arg("serve").spawn().unwrap(),
                public: *public,
                private: *private,
            });
        }
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let fleet = Self { processes, client };
        fleet.ready().await;
        fleet
    }

    async fn ready(&self) {
        let start = Instant::now();
        for process in &self.processes {
            let url = format!("http://{}/health/ready", process.public);
            while !self
                .client
                .get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status() == 200)
            {
                assert!(start.elapsed() < Duration::from_secs(30), "not ready");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.addresses().next().unwrap()
    }

    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.processes.iter().map(|process| process.public)
    }

    /// Of all processes together; Linux tells it in hundredths of a second.
    pub fn cpu(&self) -> Duration {
        let ticks = |process: &Process| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.child.id()));
            let stat = stat.unwrap();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
            [12, 13]
                .map(|field| fields[field].parse::<u64>().unwrap())
                .iter()
                .sum::<u64>()
        };
        Duration::from_millis(10 * self.processes.iter().map(ticks).sum::<u64>())
    }

    /// Turns every dial of the front through all its steps, evenly over this time.
    pub async fn turn_dials(&self, turns: usize, over: Duration) -> usize {
        let steps = ["shadow", "canary", "remote", "local"];
        let pause = over / u32::try_from(turns + 1).unwrap();
        for turn in 0..turns {
            tokio::time::sleep(pause).await;
            for module in Module::ALL {
                let url = format!("http://{}/ops/modules/{module}", self.processes[0].private);
                let step = json!({ "step": steps[turn % steps.len()], "percent": 50 });
                let turned = self
                    .client
                    .put(url)
                    .bearer_auth(SECRET)
                    .json(&step)
                    .send()
                    .await;
                let turned = turned.unwrap();
                assert_eq!(turned.status(), 200, "{}", turned.text().await.unwrap());
            }
        }
        turns
    }

    pub async fn stop(mut self) {
        for process in &self.processes {
            let pid = Pid::from_raw(i32::try_from(process.child.id()).unwrap());
            kill(pid, Signal::SIGTERM).unwrap();
        }
        for process in &mut self.processes {
            process.child.wait().unwrap();
        }
    }
}

fn set(command: &mut Command, setting: &str) {
    command.args(["--set", setting]);
}

/// The release binary, on the shared databases, with a data folder of its own.
pub fn command(databases: &Databases, name: &str) -> Command {
    let mut command = Command::new(binary());
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    set(
        &mut command,
        &format!("data_dir={}", databases.folder.path().join(name).display()),
    );
    for module in Module::ALL {
        set(
            &mut command,
            &format!("modules.{module}.database_url={}", databases.url(module)),
        );
    }
    for secret in ["auth.secret", "internal.secret", "ops.token"] {
        set(&mut command, &format!("{secret}={SECRET}"));
    }
    for limit in ["requests_per_second", "login_per_minute"] {
        set(&mut command, &format!("limits.{limit}=0"));
    }
    set(&mut command, "telemetry.log=warn");
    command
}

/// Beside this program's own folder: `target/release/examples/moves`.
fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let binary = this.parent().unwrap().parent().unwrap().join("cleave");
    assert!(binary.exists(), "no {}: build it first", binary.display());
    binary
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
