//! The guide "Taking a module out", followed as it is written, while customers order.

use std::io::{BufRead, BufReader, Read as _, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cleave::settings::Module;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::support::{TestDatabases, eventually, free_address, roomy_folder};

const GUIDE: &str = include_str!("../../../docs/splitting-a-module-out.md");
const ORDERS_BEGIN: &str = "<!-- orders are placed from here on -->";
const FOR_GOOD: &str = "\n## 7. For good\n";
const EMAIL: &str = "root@shop.example";
const PASSWORD: &str = "correct horse battery";
const ON_HAND: i64 = 1_000_000;
/// How long nobody may answer: one process stands in for the other.
const NOBODY: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_can_be_followed_while_customers_order() {
    let folder = roomy_folder();
    let databases = empty_databases().await;
    let (guide, ports) = with_free_ports(GUIDE);
    let (closed, open) = guide.split_once(ORDERS_BEGIN).unwrap();
    let (moving, for_good) = open.split_once(FOR_GOOD).unwrap();

    // A shell that waits in another thread ends with the test, also with one that fails.
    let (mut shell, _group) = Shell::start(folder.path(), &databases);
    shell.run(&format!(
        "echo '{PASSWORD}' | cleave admin create --email {EMAIL} --password-stdin"
    ));
    follow(&mut shell, closed);
    let fronts = ["8000", "8002"].map(|port| format!("http://{}", address(&ports, port)));
    let customers = Customers::enter(fronts).await;

    let (mut shell, moved) = order_during(&customers, shell, moving).await;
    assert_eq!(customers.unanswered.load(Ordering::Relaxed), 0);
    assert!(moved > 50, "only {moved} orders were placed");
    let topology = shell.run("cleave dial --json --config shop.toml");
    let products = &serde_json::from_str::<Value>(&topology).unwrap()["modules"]["products"];
    assert_eq!(products["step"], "remote");
    assert!(products["latency"]["calls"]["remote"]["count"].as_u64() > Some(0));
    assert!(products["shadow"]["compared"].as_u64() > Some(0));

    let (mut shell, finally) = order_during(&customers, shell, for_good).await;
    assert!(finally > 0);
    let health = shell.run(&format!("curl -sf {}/health", customers.fronts[0]));
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!(health["modules"]["products"]["mode"], "remote");
    customers.expect_all_kept().await;
}

/// Runs the blocks while orders are placed without a pause; answers how many were.
async fn order_during(customers: &Customers, mut shell: Shell, text: &str) -> (Shell, usize) {
    let before = customers.placed.lock().await.len();
    let finished = AtomicBool::new(false);
    let following = async {
        let text = text.to_owned();
        let shell = tokio::task::spawn_blocking(move || {
            follow(&mut shell, &text);
            shell
        });
        let shell = shell.await;
        finished.store(true, Ordering::Relaxed);
        shell.unwrap()
    };
    let buyer = |number| customers.order_until(number, &finished);
    let (shell, ..) = tokio::join!(following, buyer(0), buyer(1), buyer(2));
    (shell, customers.placed.lock().await.len() - before)
}

fn follow(shell: &mut Shell, text: &str) {
    for block in text.split("```sh\n").skip(1) {
        shell.run(block.split_once("```").unwrap().0);
    }
}

/// The guide's ports stand for some that are free; answers which.
fn with_free_ports(guide: &str) -> (String, Vec<(&'static str, String)>) {
    let mut text = guide.to_owned();
    let ports = ["8000", "8100", "8001", "8101", "8002", "8102"];
    let free = ports.map(|port| (port, free_address().to_string()));
    for (port, address) in &free {
        text = text.replace(&format!("127.0.0.1:{port}"), address);
    }
    (text, free.to_vec())
}

fn address(ports: &[(&'static str, String)], port: &str) -> String {
    ports.iter().find(|(of, _)| *of == port).unwrap().1.clone()
}

async fn empty_databases() -> TestDatabases {
    let databases = TestDatabases::create().await;
    for module in Module::ALL {
        sqlx::raw_sql("drop schema public cascade; create schema public")
            .execute(&mut databases.connect(module).await)
            .await
            .unwrap();
    }
    databases
}

/// As both `psql` and `cleave` read it.
fn url(options: &PgConnectOptions) -> String {
    format!(
        "postgres:///{}?host={}&port={}&user={}&password={}",
        options.get_database().unwrap(),
        options.get_socket().unwrap().display(),
        options.get_port(),
        options.get_username(),
        options.to_url_lossy().password().unwrap(),
    )
}

/// A shell that stops at the first command that fails.
struct Shell {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    log: std::path::PathBuf,
}

impl Shell {
    fn start(folder: &Path, databases: &TestDatabases) -> (Self, Group) {
        let log = folder.join("log");
        let program = Path::new(env!("CARGO_BIN_EXE_cleave")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        for module in Module::ALL {
            let name = format!("{}_DB", module.name().to_uppercase());
            command.env(name, url(&databases.of(module)));
        }
        let mut bash = command
            .args(["-e", "-o", "pipefail"])
            .current_dir(folder)
            .env("PATH", path)
            .env("CLEAVE__SERVER__WORKERS", "1")
            .env("CLEAVE__LIMITS__REQUESTS_PER_SECOND", "0")
            .env("CLEAVE__LIMITS__LOGIN_PER_MINUTE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
        let shell = Self {
            input: bash.stdin.take().unwrap(),
            output: BufReader::new(bash.stdout.take().unwrap()),
            log,
        };
        (shell, Group(bash))
    }

    /// What the commands print.
    fn run(&mut self, commands: &str) -> String {
        const DONE: &str = "@done@";
        // What was printed may not end its line.
        writeln!(self.input, "{commands}\nprintf '\\n{DONE}\\n'").unwrap();
        let mut printed = String::new();
        for line in self.output.by_ref().lines() {
            match line.unwrap() {
                line if line == DONE => return printed,
                line => printed.push_str(&(line + "\n")),
            }
        }
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        panic!("{commands}\nprinted: {printed}\nand failed:\n{log}");
    }
}

/// Whatever a shell has started; killed when this is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

/// They order by the front door that is open, as a load balancer would send them.
struct Customers {
    client: Client,
    fronts: [String; 2],
    token: String,
    product: String,
    /// Acknowledged orders.
    placed: tokio::sync::Mutex<Vec<String>>,
    /// Requests that a connection lost; repeated with their key.
    unanswered: AtomicUsize,
}

impl Customers {
    async fn enter(fronts: [String; 2]) -> Self {
        let client = Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let post = async |path: &str, token: &str, body: Value| {
            let request = client.post(format!("{}/api/v1{path}", fronts[0]));
            let answer = request.bearer_auth(token).json(&body).send().await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.json::<Value>().await.unwrap()
        };
        // The account that was made before the databases moved.
        let login = json!({ "email": EMAIL, "password": PASSWORD });
        let tokens = post("/auth/login", "", login).await;
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        let product = json!({
            "sku": "MUG", "name": "Mug", "price": { "amount": 1200, "currency": "EUR" },
            "stock": { "on_hand": ON_HAND },
        });
        let product = post("/products", &token, product).await;
        let product = product["id"].as_str().unwrap().to_owned();
        Self {
            client,
            fronts,
            token,
            product,
            placed: tokio::sync::Mutex::default(),
            unanswered: AtomicUsize::new(0),
        }
    }

    async fn order_until(&self, customer: usize, finished: &AtomicBool) {
        let mut number = 0;
        while !finished.load(Ordering::Relaxed) {
            number += 1;
            let stamp = self.placed.lock().await.len();
            self.order(&format!("{customer}-{number}-{stamp}")).await;
            self.look().await;
        }
    }

    async fn order(&self, key: &str) {
        let body = json!({ "items": [{ "product_id": self.product, "quantity": 1 }] });
        let (status, order) = self
            .ask(|front| {
                let request = self.client.post(format!("{front}/api/v1/orders"));
                request.header("Idempotency-Key", key).json(&body)
            })
            .await;
        assert!(
            [StatusCode::CREATED, StatusCode::OK].contains(&status),
            "{status}: {order}"
        );
        let id = order["id"].as_str().unwrap().to_owned();
        self.placed.lock().await.push(id);
    }

    async fn look(&self) {
        let path = format!("/api/v1/products/{}", self.product);
        let (status, product) = self
            .ask(|front| self.client.get(format!("{front}{path}")))
            .await;
        assert_eq!(status, 200, "{product}");
    }

    /// The answer of the first front that gives one.
    async fn ask(&self, request: impl Fn(&str) -> reqwest::RequestBuilder) -> (StatusCode, Value) {
        let start = Instant::now();
        while start.elapsed() < NOBODY {
            for front in &self.fronts {
                let answer = match request(front).bearer_auth(&self.token).send().await {
                    Ok(answer) => (answer.status(), answer.json::<Value>().await),
                    Err(error) if error.is_connect() => continue,
                    Err(error) => (StatusCode::OK, Err(error)),
                };
                match answer {
                    (status, Ok(document)) => return (status, document),
                    (_, Err(_)) => self.unanswered.fetch_add(1, Ordering::Relaxed),
                };
            }
        }
        panic!("nobody answers");
    }

    /// Every acknowledged order is there, and has its stock.
    async fn expect_all_kept(&self) {
        let placed = self.placed.lock().await;
        for id in placed.iter() {
            let path = format!("/api/v1/orders/{id}");
            let (status, order) = self
                .ask(|front| self.client.get(format!("{front}{path}")))
                .await;
            assert_eq!((status.as_u16(), &order["status"]), (200, &json!("placed")));
        }
        let orders = i64::try_from(placed.len()).unwrap();
        let path = format!("/api/v1/products/{}", self.product);
        eventually("as much is reserved as was ordered", async || {
            let (_, product) = self
                .ask(|front| self.client.get(format!("{front}{path}")))
                .await;
            product["stock"]["reserved"] == orders && product["stock"]["on_hand"] == ON_HAND
        })
        .await;
    }
}
