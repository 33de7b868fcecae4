//! HTTPS on the public listener.

use std::path::Path;
use std::process::Command;

use cleave::settings::Module;
use nix::sys::signal::Signal;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{on, run, said};
use crate::support::{
    Answer, Blocker, Process, TestDatabases, command, eventually, free_address, roomy_folder,
};

/// More than a worker would shake hands with at a time by itself.
const SILENT: usize = 300;
const HSTS: &str = "strict-transport-security";

/// Leaves a new certificate and its key in the folder, as a renewal does.
fn renew(folder: &Path) -> Certificate {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    Certificate::from_pem(cert.pem().as_bytes()).unwrap()
}

struct Site {
    databases: TestDatabases,
    folder: tempfile::TempDir,
    private: std::net::SocketAddr,
    process: Process,
}

impl Site {
    async fn open() -> Self {
        let (databases, folder) = (TestDatabases::create().await, roomy_folder());
        let (address, private) = (free_address(), free_address());
        let trusted = renew(folder.path());
        let serve = on(&databases, command(folder.path(), address, &["serve"]));
        let serve = with_files(folder.path(), private, serve);
        let process = Process::serve_tls(serve, address, trusted).await;
        Self {
            databases,
            folder,
            private,
            process,
        }
    }

    async fn run(&self, arguments: &[&str]) -> std::process::Output {
        let command = command(self.folder.path(), self.process.address, arguments);
        let command = with_files(self.folder.path(), self.private, command);
        run(on(&self.databases, command)).await
    }

    async fn send(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        let request = self.process.request(method, path).bearer_auth(token);
        Answer::read(request.json(&body).send().await.unwrap()).await
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.send(Method::POST, path, token, body).await
    }

    /// An admin's access token.
    async fn sign_in(&self) -> String {
        let arguments = ["admin", "create", "--email", "root@example.com", "--json"];
        let created = self.run(&arguments).await;
        let admin: Value = serde_json::from_slice(&created.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", said(&created)));
        let body = json!({ "email": admin["email"], "password": admin["password"] });
        let tokens = self.post("/api/v1/auth/login", "", body).await.expect(200);
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    async fn product(&self, token: &str) -> String {
        let product = json!({
            "sku": "SOFA", "name": "Sofa", "price": { "amount": 1, "currency": "EUR" },
            "stock": { "on_hand": 9 },
        });
        let product = self.post("/api/v1/products", token, product).await;
        product.expect(201)["id"].as_str().unwrap().to_owned()
    }
}

fn with_files(folder: &Path, private: std::net::SocketAddr, mut command: Command) -> Command {
    let file = |name: &str| folder.join(name).display().to_string();
    for setting in [
        format!("server.tls_cert={}", file("cert.pem")),
        format!("server.tls_key={}", file("key.pem")),
        format!("server.private={private}"),
    ] {
        command.args(["--set", &setting]);
    }
    command
}

#[tokio::test]
async fn a_shop_sells_over_https_and_stops_in_order() {
    let site = Site::open().await;
    let token = site.sign_in().await;
    let sofa = site.product(&token).await;
    let order = json!({ "items": [{ "product_id": sofa, "quantity": 1 }] });
    let placed = site.post("/api/v1/orders", &token, order.clone()).await;
    assert!(
        placed
            .header("location")
            .unwrap()
            .starts_with("/api/v1/orders/")
    );
    placed.expect(201);
    // What browsers must not forget is in every answer, and in those of this listener only.
    for (path, status) in [
        ("/api/v1/products", 200),
        ("/api/v1/nothing", 404),
        ("/docs/", 200),
    ] {
        let answer = site.send(Method::GET, path, &token, json!({})).await;
        assert_eq!(answer.header(HSTS), Some("max-age=31536000"), "{path}");
        answer.expect(status);
    }
    let refused = site.post("/api/v1/auth/login", "", json!({})).await;
    assert!(refused.header(HSTS).is_some());
    refused.expect(422);
    let private = format!("http://{}/health/ready", site.private);
    let private = Answer::read(reqwest::get(private).await.unwrap()).await;
    assert_eq!(private.header(HSTS), None);
    private.expect(200);
    let health = site.run(&["healthcheck"]).await;
    assert_eq!(health.status.code(), Some(0), "{}", said(&health));

    let (_, products) = site.databases.all().swap_remove(position(Module::Products));
    let mut blocker = Blocker::stock(products, &sofa).await;
    let placing = site.post("/api/v1/orders", &token, order);
    let stopping = async {
        blocker.victims(1).await;
        site.process.signal(Signal::SIGTERM);
        eventually("nobody is let in any more", async || {
            TcpStream::connect(site.process.address).await.is_err()
        })
        .await;
        blocker.release().await;
    };
    let (placed, ()) = tokio::join!(placing, stopping);
    placed.expect(201);
    assert_eq!(site.process.ended().await, Some(0));
}

fn position(module: Module) -> usize {
    Module::ALL.iter().position(|m| *m == module).unwrap()
}

#[tokio::test]
async fn those_who_do_not_shake_hands_keep_nobody_out() {
    let site = Site::open().await;
    let address = site.process.address;
    let plain = "GET /api/v1/products HTTP/1.1\r\nhost: shop\r\n\r\n";
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(plain.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 2"), "{answer:?}");

    // On a slow machine they may be sent away before the client's turn comes, and come again.
    eventually("a client is answered while silent ones wait", async || {
        let mut silent = Vec::new();
        for _ in 0..SILENT {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let fresh = reqwest::Client::builder().no_proxy();
        let fresh = fresh.tls_danger_accept_invalid_certs(true).build().unwrap();
        let url = format!("https://{address}/health/live");
        assert_eq!(fresh.get(url).send().await.unwrap().status(), 200);
        let mut byte = [0];
        let waits = |stream: &TcpStream| {
            let read = stream.try_read(&mut byte);
            read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        };
        silent.iter().all(waits)
    })
    .await;
    site.process.signal(Signal::SIGTERM);
    assert_eq!(site.process.ended().await, Some(0));
}

#[tokio::test]
async fn a_renewed_certificate_is_served_and_a_broken_one_is_not() {
    let mut site = Site::open().await;
    let renewed = renew(site.folder.path());
    site.process.trust(renewed.clone());
    assert!(!site.process.is_ready().await, "nobody was told");
    site.process.signal(Signal::SIGHUP);
    eventually("the new certificate is served", async || {
        site.process.is_ready().await
    })
    .await;

    let key = site.folder.path().join("key.pem");
    std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\nhunter2\n").unwrap();
    site.process.signal(Signal::SIGHUP);
    eventually("the file is named", async || {
        let log = site.process.log();
        let warned = |line: &str| line.contains("WARN") && line.contains(key.to_str().unwrap());
        log.lines().any(warned)
    })
    .await;
    assert!(!site.process.log().contains("hunter2"));
    site.process.trust(renewed);
    assert!(site.process.is_ready().await, "{}", site.process.log());

    // Without being told, too.
    let renewed = renew(site.folder.path());
    site.process.trust(renewed);
    eventually("the newest certificate is served", async || {
        site.process.is_ready().await
    })
    .await;
    site.process.signal(Signal::SIGTERM);
    assert_eq!(site.process.ended().await, Some(0));
}
