//! What a collector of traces sees, and that the shop does not mind one which is of no use.

mod collector;
mod trouble;

use std::collections::HashSet;
use std::path::Path;

use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Answer, Process, Receiver, TestDatabases, command, eventually, free_address, on, roomy_folder,
};
use collector::{Collector, Seen, way_to};

const PASSWORD: &str = "correct horse battery";
const SPAN: &str = "b7ad6b7169203331";

/// A module in a process of its own.
struct Service {
    process: Process,
    folder: TempDir,
}

/// Users, products and orders, in this order.
async fn three_processes(databases: &TestDatabases, endpoint: &str) -> [Service; 3] {
    let names = ["users", "products", "orders"];
    let privates = names.map(|_| free_address());
    let start = async |number: usize| {
        let (folder, public) = (roomy_folder(), free_address());
        let mut command = command(folder.path(), public, &["serve", "--only", names[number]]);
        for (name, private) in names.iter().zip(privates) {
            let setting = format!("modules.{name}.url=http://{private}");
            command.args(["--set", &setting]);
        }
        for setting in [
            format!("server.private={}", privates[number]),
            format!("telemetry.otlp_endpoint={endpoint}"),
            "telemetry.log_format=json".to_owned(),
            "webhooks.allow_private_addresses=true".to_owned(),
            "auth.secret=a secret that all processes of this shop know".to_owned(),
            "internal.secret=another secret that all processes know".to_owned(),
        ] {
            command.args(["--set", &setting]);
        }
        Service {
            process: Process::serve(on(databases, command), public).await,
            folder,
        }
    };
    [start(0).await, start(1).await, start(2).await]
}

/// Somebody at a process.
struct Visitor<'a> {
    process: &'a Process,
    token: String,
}

impl<'a> Visitor<'a> {
    async fn admin(process: &'a Process, databases: &TestDatabases, folder: &Path) -> Self {
        let arguments = ["admin", "create", "--email", "root@example.com", "--json"];
        let create = on(databases, command(folder, process.address, &arguments));
        let created = super::process::run(create).await;
        let admin: Value = serde_json::from_slice(&created.stdout).unwrap();
        let password = admin["password"].as_str().unwrap();
        Self::sign_in(process, "root@example.com", password).await
    }

    async fn customer(process: &'a Process) -> Self {
        let nobody = Self {
            process,
            token: String::new(),
        };
        let ada = json!({ "email": "ada@example.com", "password": PASSWORD, "full_name": "Ada" });
        nobody.post("/auth/register", &ada, None).await;
        Self::sign_in(process, "ada@example.com", PASSWORD).await
    }

    async fn sign_in(process: &'a Process, email: &str, password: &str) -> Self {
        let body = json!({ "email": email, "password": password });
        let login = process.request(Method::POST, "/api/v1/auth/login");
        let tokens: Value = login
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        Self {
            process,
            token: tokens["access_token"].as_str().unwrap().to_owned(),
        }
    }

    /// As part of a trace, if that is given.
    async fn post(&self, path: &str, body: &Value, traceparent: Option<&str>) -> Value {
        let request = self
            .process
            .request(Method::POST, &format!("/api/v1{path}"));
        let mut request = request.bearer_auth(&self.token).json(body);
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.json
    }

    async fn product(&self) -> Value {
        let product = json!({
            "sku": "SOFA", "name": "Sofa", "price": { "amount": 1, "currency": "EUR" },
            "stock": { "on_hand": 9 },
        });
        self.post("/products", &product, None).await["id"].clone()
    }
}

#[tokio::test]
async fn an_order_is_one_trace_through_three_processes() {
    let (databases, collector) = (TestDatabases::create().await, Collector::open().await);
    let [users, products, orders] = three_processes(&databases, &collector.endpoint()).await;
    let front = &users.process;
    let admin = Visitor::admin(front, &databases, users.folder.path()).await;
    let receiver = Receiver::open().await;
    let hook = json!({ "url": receiver.url("/hook?key=of-the-hook") });
    admin.post("/webhooks", &hook, None).await;
    let order = json!({ "items": [{ "product_id": admin.product().await, "quantity": 1 }] });
    let ada = Visitor::customer(front).await;

    let [unsampled, sampled] = [
        "0af7651916cd43dd8448eb211c80319c",
        "4bf92f3577b34da6a3ce929d0e0e4736",
    ];
    let unheard = format!("00-{unsampled}-{SPAN}-00");
    let heard = format!("00-{sampled}-{SPAN}-01");
    ada.post("/orders", &order, Some(&heard)).await;
    let ends = [
        "orders client webhook order.placed",
        "products client handle event",
        "products client hold stock",
        "users server POST /internal/users/v1/account",
    ];
    let spans = collector.whole(sampled, &ends).await;
    ada.post("/orders", &order, Some(&unheard)).await;
    receiver.heard(2).await;

    expect_every_process(&spans);
    expect_one_trace(&spans);
    let root = [
        "users server POST",
        "users client POST to orders",
        "orders server POST /api/v1/orders",
    ];
    let published = [
        &root[..],
        &[
            "orders client store order",
            "orders producer publish order.placed.v1",
        ],
    ]
    .concat();
    for (from, then) in [
        (
            &root[..],
            &[
                "orders client users.account",
                "users server POST /internal/users/v1/account",
            ][..],
        ),
        (
            &root,
            &[
                "orders client products.reserve",
                "products server POST /internal/products/v1/reserve",
                "products client hold stock",
            ],
        ),
        (
            &published,
            &[
                "orders client deliver order.placed.v1",
                "orders client products.handle",
                "products server POST /internal/products/v1/handle",
                "products consumer process order.placed.v1",
                "products client handle event",
            ],
        ),
        (&published, &["orders client webhook order.placed"]),
    ] {
        let expected = [from, then].concat();
        assert_eq!(way_to(&spans, expected[expected.len() - 1]), expected);
    }
    assert!(!format!("{spans:?}").contains("of-the-hook"));

    // So do the lines of a request in the logs.
    let told = |process: &Process| process.log().lines().any(|line| line.contains(sampled));
    assert!(told(&users.process) && told(&orders.process));

    // What has just happened is told by the last breath.
    let late = "11111111111111111111111111111111";
    ada.post("/orders", &order, Some(&format!("00-{late}-{SPAN}-01")))
        .await;
    for service in [users, orders, products] {
        service.process.signal(Signal::SIGTERM);
        assert_eq!(service.process.ended().await, Some(0));
    }
    let lines: HashSet<String> = collector.trace(late).iter().map(Seen::line).collect();
    for line in [
        "users server POST",
        "orders client store order",
        "products client hold stock",
    ] {
        assert!(lines.contains(line), "no {line}: {lines:?}");
    }
    let unwanted = collector.trace(unsampled);
    assert!(unwanted.is_empty(), "{unwanted:?}");
}

#[tokio::test]
async fn an_order_is_the_same_trace_in_one_process() {
    let (databases, collector) = (TestDatabases::create().await, Collector::open().await);
    let (folder, address) = (roomy_folder(), free_address());
    let endpoint = format!("telemetry.otlp_endpoint={}", collector.endpoint());
    let serve = command(folder.path(), address, &["serve", "--set", &endpoint]);
    let process = Process::serve(on(&databases, serve), address).await;
    let admin = Visitor::admin(&process, &databases, folder.path()).await;
    let order = json!({ "items": [{ "product_id": admin.product().await, "quantity": 1 }] });
    let ada = Visitor::customer(&process).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{trace}-{SPAN}-01");
    ada.post("/orders", &order, Some(&traceparent)).await;
    let here = |line: &str| format!("users,products,orders {line}");
    let last = here("client handle event");
    let spans = collector.whole(trace, &[&last]).await;
    let way = [
        "server POST /api/v1/orders",
        "client store order",
        "producer publish order.placed.v1",
        "client deliver order.placed.v1",
        "internal products.handle",
        "consumer process order.placed.v1",
        "client handle event",
    ];
    assert_eq!(way_to(&spans, &last), way.map(here));
    let held = [
        "server POST /api/v1/orders",
        "internal products.reserve",
        "client hold stock",
    ];
    assert_eq!(way_to(&spans, &here("client hold stock")), held.map(here));
}

fn expect_every_process(spans: &[Seen]) {
    let said = |name: &str| -> HashSet<&str> {
        spans
            .iter()
            .map(|seen| seen.resource[name].as_str())
            .collect()
    };
    assert_eq!(said("service.name"), HashSet::from(["cleave"]));
    assert_eq!(
        said("cleave.modules"),
        HashSet::from(["users", "products", "orders"])
    );
    assert_eq!(said("service.instance.id").len(), 3);
}

fn expect_one_trace(spans: &[Seen]) {
    for seen in spans {
        assert!(!seen.has_failed(), "{seen:?}");
        assert_eq!(seen.span.flags & 1, 1, "{seen:?}");
        assert!(seen.span.start_time_unix_nano <= seen.span.end_time_unix_nano);
    }
    let placed = "orders server POST /api/v1/orders";
    let placed = spans.iter().find(|seen| seen.line() == placed).unwrap();
    for (name, value) in [
        ("http.route", "/api/v1/orders"),
        ("http.request.method", "POST"),
        ("http.response.status_code", "201"),
        ("cleave.module", "orders"),
    ] {
        assert_eq!(placed.attributes[name], value);
    }
}
