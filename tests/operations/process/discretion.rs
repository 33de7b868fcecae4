//! What a process writes down: nothing that is secret, nothing of a person, and an event a line.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{on, run, said};
use crate::support::{
    Answer, Process, Receiver, TestDatabases, command, eventually, free_address, roomy_folder,
};

const EMAIL: &str = "ada.lovelace@example.com";
const PASSWORDS: [&str; 4] = [
    "the first password of ada",
    "the next password of ada",
    "a password that is wrong",
    "another password that is wrong",
];
const PERSONAL: [&str; 7] = [
    EMAIL,
    "Augusta Ada King",
    "Saint James Square 12",
    "+44 20 7946 0958",
    "SW1Y 4JH",
    "please ring at the neighbours",
    "nobody.there@example.com",
];
const REDIS_PASSWORD: &str = "password-of-the-redis";
const HOOK_KEY: &str = "key-in-the-address-of-a-webhook";
const OUR_OWN: &str = "info,cleave=trace,platform=trace,users=trace,products=trace,orders=trace,\
                       ports=trace,ports_http=trace";

/// What must not be found, and where it came from.
type Secrets = Vec<(&'static str, String)>;

struct Visit {
    process: Process,
    secrets: Secrets,
}

impl Visit {
    async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        let request = self
            .process
            .request(Method::POST, &format!("/api/v1{path}"))
            .bearer_auth(token);
        self.send(request.json(&body)).await
    }

    async fn get(&self, path: &str, authorization: &str) -> Answer {
        let request = self.process.request(Method::GET, path);
        self.send(request.header("authorization", authorization))
            .await
    }

    /// The access token and the refresh token, kept as secrets.
    fn note(&mut self, tokens: &Value) -> (String, String) {
        let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let pair = (token("access_token"), token("refresh_token"));
        self.secrets.push(("an access token", pair.0.clone()));
        let signature = pair.0.rsplit('.').next().unwrap().to_owned();
        self.secrets.push(("its signature", signature));
        self.secrets.push(("a refresh token", pair.1.clone()));
        pair
    }

    async fn login(&mut self, email: &str, password: &str) -> (String, String) {
        let body = json!({ "email": email, "password": password });
        let tokens = self.post("", "/auth/login", body).await.expect(200);
        self.note(&tokens)
    }

    /// Everything that somebody has a secret for.
    async fn account(&mut self) -> String {
        let ada = json!({ "email": EMAIL, "password": PASSWORDS[0], "full_name": PERSONAL[1] });
        let made = self.post("", "/auth/register", ada.clone()).await;
        made.expect(201);
        self.post("", "/auth/register", ada).await.expect(409);
        for email in [EMAIL, "nobody.there@example.com"] {
            let wrong = json!({ "email": email, "password": PASSWORDS[2] });
            self.post("", "/auth/login", wrong).await.expect(401);
        }
        let (_, first) = self.login(EMAIL, PASSWORDS[0]).await;
        let refresh = json!({ "refresh_token": first });
        let again = self.post("", "/auth/refresh", refresh.clone()).await;
        self.note(&again.expect(200));
        self.post("", "/auth/refresh", refresh).await.expect(401);

        let (token, _) = self.login(EMAIL, PASSWORDS[0]).await;
        for (current, status) in [(PASSWORDS[3], 422), (PASSWORDS[0], 204)] {
            let body = json!({ "current_password": current, "new_password": PASSWORDS[1] });
            let request = self
                .process
                .request(Method::PUT, "/api/v1/users/me/password");
            let request = request.bearer_auth(&token).json(&body);
            self.send(request).await.expect(status);
        }
        let (token, refresh) = self.login(EMAIL, PASSWORDS[1]).await;
        // By mistake.
        for path in [
            format!("/api/v1/orders?access_token={token}&email={EMAIL}"),
            format!("/api/v1/products?refresh_token={refresh}"),
            format!("/api/v1/nothing?token={token}&password=the%20next%20password%20of%20ada"),
        ] {
            self.get(&path, "Bearer").await;
        }
        for (kind, header) in [
            (
                "a password in a header",
                "Basic YWRhOnRoZSBuZXh0IHBhc3N3b3Jk",
            ),
            (
                "a token of another shop",
                "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            ),
            ("no token at all", "Bearer what-somebody-took-for-a-token"),
        ] {
            self.get("/api/v1/orders", header).await.expect(401);
            self.secrets
                .push((kind, header.split_once(' ').unwrap().1.to_owned()));
        }
        let address = json!({
            "name": PERSONAL[1], "line1": PERSONAL[2], "city": "London",
            "postal_code": PERSONAL[4], "country": "GB", "phone": PERSONAL[3],
        });
        self.post(&token, "/users/me/addresses", address)
            .await
            .expect(201);
        token
    }

    /// An order, and those who are told of it.
    async fn sale(&mut self, customer: &str, admin: &str) {
        let receiver = Receiver::open().await;
        let deaf = free_address();
        for url in [
            receiver.url(&format!("/?key={HOOK_KEY}")),
            format!("http://{deaf}/?key={HOOK_KEY}"),
        ] {
            let made = self.post(admin, "/webhooks", json!({ "url": url })).await;
            let secret = made.expect(201)["secret"].as_str().unwrap().to_owned();
            let bare = secret.trim_start_matches("whsec_").to_owned();
            self.secrets.push(("a webhook's secret", bare));
        }
        let product = json!({
            "sku": "SOFA", "name": "Sofa", "price": { "amount": 1, "currency": "EUR" },
            "stock": { "on_hand": 9 },
        });
        let product = self.post(admin, "/products", product).await.expect(201);
        let order = json!({
            "items": [{ "product_id": product["id"], "quantity": 1 }], "note": PERSONAL[5],
        });
        self.post(customer, "/orders", order).await.expect(201);
        let notice = receiver.heard(1).await.remove(0);
        let signature = notice.header("webhook-signature").to_owned();
        self.secrets.push(("a webhook's signature", signature));
        self.secrets
            .push(("a webhook's address", HOOK_KEY.to_owned()));
        let bearer = format!("Bearer {admin}");
        let list = self.get("/api/v1/webhooks", &bearer).await.expect(200);
        let list = list["items"].clone();
        for webhook in list.as_array().unwrap() {
            let path = format!(
                "/api/v1/webhooks/{}/deliveries",
                webhook["id"].as_str().unwrap()
            );
            eventually("a delivery was tried", async || {
                let page = self.get(&path, &bearer).await.expect(200);
                page["items"][0]["attempts"][0].is_object()
            })
            .await;
        }
    }
}

/// A serving process on databases whose addresses have passwords in them, with a Redis that is not
/// there, and where its private listener is.
async fn serve(databases: &TestDatabases, folder: &Path, log: [&str; 2]) -> (Process, SocketAddr) {
    let (public, private) = (free_address(), free_address());
    let mut command = command(folder, public, &["serve"]);
    for setting in [
        format!("server.private={private}"),
        format!("redis.url=redis://:{REDIS_PASSWORD}@{}/", free_address()),
        "webhooks.allow_private_addresses=true".to_owned(),
        format!("telemetry.log={}", log[0]),
        format!("telemetry.log_format={}", log[1]),
    ] {
        command.args(["--set", &setting]);
    }
    command.stdout(File::create(folder.join("stdout")).unwrap());
    let process = Process::serve(on(databases, command), public).await;
    (process, private)
}

async fn admin(visit: &mut Visit, databases: &TestDatabases, folder: &Path) -> String {
    let arguments = ["admin", "create", "--email", "root@example.com", "--json"];
    let created = run(on(
        databases,
        command(folder, visit.process.address, &arguments),
    ))
    .await;
    let admin: Value = serde_json::from_slice(&created.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(&created)));
    let password = admin["password"].as_str().unwrap().to_owned();
    let (token, _) = visit.login("root@example.com", &password).await;
    visit.secrets.push(("an admin's password", password));
    token
}

/// Operators, and somebody who would be one.
async fn operate(visit: &Visit, private: SocketAddr, token: &str) {
    for (token, status) in [(token, 200), ("what-is-no-ops-token", 401)] {
        let url = format!("http://{private}/ops/topology");
        let request = reqwest::Client::new().get(url).bearer_auth(token);
        assert_eq!(visit.send(request).await.status, status);
    }
}

/// What the process made for itself.
fn generated(folder: &Path) -> Secrets {
    let files = std::fs::read_dir(folder.join("keys")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let texts = texts.map(|text| text.trim().to_owned());
    texts
        .filter(|text| !text.is_empty())
        .map(|text| ("a generated secret", text))
        .collect()
}

/// Everything that it wrote while it was used, and what must not be in there.
async fn use_with(log: [&str; 2]) -> (String, Secrets) {
    let (databases, folder) = (TestDatabases::create().await, roomy_folder());
    let (process, private) = serve(&databases, folder.path(), log).await;
    let secrets = generated(folder.path());
    assert!(secrets.len() >= 2, "{secrets:?}");
    let mut visit = Visit { process, secrets };
    let admin = admin(&mut visit, &databases, folder.path()).await;
    let ada = visit.account().await;
    visit.sale(&ada, &admin).await;
    let ops = std::fs::read_to_string(folder.path().join("keys/ops.token")).unwrap();
    operate(&visit, private, ops.trim()).await;
    let Visit {
        process,
        mut secrets,
    } = visit;
    let log = process.log();
    let stdout = std::fs::read_to_string(folder.path().join("stdout")).unwrap();

    secrets.extend(PASSWORDS.map(|password| ("a password", password.to_owned())));
    secrets.push(("Redis' password", REDIS_PASSWORD.to_owned()));
    secrets.push(("no ops token", "what-is-no-ops-token".to_owned()));
    for (_, options) in databases.all() {
        let url = options.to_url_lossy();
        let password = url.password().unwrap().to_owned();
        secrets.push(("a database's password", format!(":{password}@")));
        secrets.push(("a database's address", url.to_string()));
    }
    (log + &stdout, secrets)
}

fn expect_none_of(log: &str, secrets: &Secrets) {
    for (what, secret) in secrets {
        let found = log.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(found, None, "{what} is in the log: {secret}");
    }
}

#[tokio::test]
async fn no_secret_is_logged_however_much_is() {
    let (log, secrets) = use_with([OUR_OWN, "text"]).await;
    for expected in ["DEBUG", "answered", "access token refused"] {
        assert!(log.contains(expected), "no {expected}: {log}");
    }
    assert!(secrets.len() > 30, "{}", secrets.len());
    expect_none_of(&log, &secrets);
}

#[tokio::test]
async fn usually_neither_a_secret_nor_a_person_is_logged() {
    let (log, mut secrets) = use_with(["info", "json"]).await;
    assert!(log.contains("\"message\":\"answered\""), "{log}");
    secrets.extend(PERSONAL.map(|words| ("a person", words.to_owned())));
    expect_none_of(&log, &secrets);
}

/// Settings that are wrong, or lead nowhere, are named and not shown.
#[tokio::test]
async fn the_password_in_a_setting_is_not_shown_by_any_command() {
    let folder = roomy_folder();
    let nowhere = free_address();
    for (name, value) in [
        (
            "modules.users.database_url",
            format!("postgres://shop:s3cr3t-word@{nowhere}/users"),
        ),
        (
            "modules.users.database_url",
            "postgres:/shop:s3cr3t-word@[/users".to_owned(),
        ),
        (
            "modules.users.database_url",
            "mysql://shop:s3cr3t-word@host/users".to_owned(),
        ),
        ("redis.url", format!("redis://shop:s3cr3t-word@{nowhere}/0")),
        ("redis.url", "redis:shop:s3cr3t-word@host:port".to_owned()),
        ("auth.secret", "s3cr3t-word".to_owned()),
        ("media.url", "s3x://key:s3cr3t-word@bucket".to_owned()),
    ] {
        let setting = format!("{name}={value}");
        for arguments in [
            &["config"][..],
            &["doctor"],
            &["migrate", "users"],
            &["serve", "--set", "environment=production"],
        ] {
            let mut command = command(folder.path(), free_address(), arguments);
            command.args(["--set", &setting]);
            let said = said(&run(command).await);
            assert!(!said.contains("s3cr3t"), "{arguments:?} {setting}: {said}");
            assert!(!said.is_empty(), "{arguments:?} {setting}");
        }
    }
}

/// Whatever is asked, an event is a line, and the line is ours.
#[tokio::test]
async fn nobody_forges_a_line_of_the_log() {
    for format in ["text", "json"] {
        let (databases, folder) = (TestDatabases::create().await, roomy_folder());
        let (process, _) = serve(&databases, folder.path(), [OUR_OWN, format]).await;
        let forged = "2026-01-01T00:00:00.000000Z  INFO forged";
        for path in [
            "/api/v1/%0a2026-01-01T00:00:00.000000Z%20%20INFO%20forged",
            "/api/v1/%0d%0aforged",
            "/api/v1/products/%1b%5b2Jforged",
            "/api/v1/\u{202e}forged",
            "/api/v1/%e2%80%aeforged",
            "/api/v1/\u{9b}2Jforged",
            "/api/v1/%00forged",
            "/api/v1/products?q=%0aforged%1b[2J",
        ] {
            for header in [
                "x-request-id: a\tforged",
                "x-request-id: \u{1b}[2Jforged",
                "x-request-id: \u{202e}forged",
                "x-request-id: a\r\n 2026 INFO forged",
                "user-agent: \u{1b}[2J\u{202e}forged",
                "authorization: Bearer \u{1b}[2Jforged",
                "traceparent: 00-\u{202e}forged",
            ] {
                let request = format!(
                    "GET {path} HTTP/1.1\r\nhost: shop\r\n{header}\r\nconnection: close\r\n\r\n"
                );
                exchange(process.address, request.as_bytes()).await;
            }
        }
        exchange(
            process.address,
            b"BR\x1bEW / HTTP/1.1\r\nhost: shop\r\n\r\n",
        )
        .await;
        let words = format!("Ada\n{forged}\u{1b}[2J\u{202e}");
        let body = json!({ "email": words, "password": words, "full_name": words });
        for path in ["/api/v1/auth/register", "/api/v1/auth/login"] {
            let request = process.request(Method::POST, path).json(&body);
            assert!(request.send().await.unwrap().status().is_client_error());
        }
        let log = process.log();
        assert!(log.contains("forged"), "nothing of it was logged: {log}");
        for line in log.lines() {
            let ours = match format {
                "json" => serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object()),
                // The year and the hyphen of a time, at which everything else is said.
                _ => {
                    line.get(4..5) == Some("-") && line.contains("Z ") && !line.starts_with(forged)
                }
            };
            assert!(ours, "{line:?}");
            let odd = line
                .chars()
                .find(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(c));
            assert_eq!(odd, None, "{line:?}");
        }
    }
}

/// Sends this, and reads whatever comes.
async fn exchange(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
}
