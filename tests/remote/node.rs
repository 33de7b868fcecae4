//! One process of a shop that has several, and what clients and operators ask of it.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use cleave::databases::Databases;
use cleave::instance::Instance;
use cleave::settings::{Inputs, Module, Purpose, Settings};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestDatabases, client, expect_balanced_books};

const GRACE: Duration = Duration::from_secs(10);
pub const OPS_TOKEN: &str = "operators-token-of-these-tests-only";
/// Every process of a shop knows the same secrets.
const SECRETS: [&str; 3] = [
    "auth.secret=signs-access-tokens-in-these-tests",
    "internal.secret=signs-service-tokens-in-these-tests",
    "ops.token=operators-token-of-these-tests-only",
];

pub struct Node {
    pub address: SocketAddr,
    pub private_address: SocketAddr,
    instance: Instance,
    client: Client,
    _own_folder: Option<tempfile::TempDir>,
}

/// Somebody with an access token.
#[derive(Clone, Debug)]
pub struct User {
    pub email: String,
    pub token: String,
}

impl Node {
    pub async fn start(databases: &TestDatabases, set: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = Self::start_in(folder.path(), databases, set).await;
        Self {
            _own_folder: Some(folder),
            ..node
        }
    }

    /// With a data folder that outlives it.
    pub async fn start_in(folder: &Path, databases: &TestDatabases, set: &[&str]) -> Self {
        let mut inputs = Inputs::of_process(Purpose::Serve);
        inputs.environment.clear();
        let data_dir = format!("data_dir={}", folder.display());
        let own = [
            &data_dir,
            "server.public=127.0.0.1:0",
            "server.private=127.0.0.1:0",
            "server.workers=1",
            "limits.requests_per_second=0",
            "limits.login_per_minute=0",
        ];
        let all = own.iter().chain(&SECRETS).chain(set);
        inputs.set = all.map(|setting| (*setting).to_owned()).collect();
        let mut settings = Settings::load(&inputs).unwrap_or_else(|problems| panic!("{problems}"));
        let secrets = settings.generate_missing_secrets().unwrap();
        if std::env::var_os("E2E_LOG").is_some() {
            let _ = cleave::telemetry::start(&settings.telemetry);
        }
        let given = Databases::given(databases.all());
        let instance = Instance::start(&settings, &secrets, &given).await.unwrap();
        Self {
            address: instance.address,
            private_address: instance.private_address,
            instance,
            client: client(),
            _own_folder: None,
        }
    }

    pub async fn close(self) {
        self.instance.stop(GRACE).await;
    }

    pub fn private_url(&self) -> String {
        format!("http://{}", self.private_address)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        self.client.request(method, url)
    }

    /// A path below `/api/v1`, as nobody.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, &format!("/api/v1{path}"))).await
    }

    pub async fn get_as(&self, who: &User, path: &str) -> Answer {
        let request = self.request(Method::GET, &format!("/api/v1{path}"));
        send(request.bearer_auth(&who.token)).await
    }

    pub async fn post_as(&self, who: &User, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, &format!("/api/v1{path}"));
        send(request.bearer_auth(&who.token).json(body)).await
    }

    pub async fn login(&self, who: &User) -> Answer {
        let body = json!({ "email": who.email, "password": PASSWORD });
        send(self.request(Method::POST, "/api/v1/auth/login").json(&body)).await
    }

    pub async fn order(&self, who: &User, product: &str, quantity: i64) -> Answer {
        let body = json!({ "items": [{ "product_id": product, "quantity": quantity }] });
        self.post_as(who, "/orders", &body).await
    }

    pub async fn order_with_key(&self, who: &User, key: &str, product: &str) -> Answer {
        let body = json!({ "items": [{ "product_id": product, "quantity": 1 }] });
        let request = self.request(Method::POST, "/api/v1/orders");
        let request = request.header("Idempotency-Key", key);
        send(request.bearer_auth(&who.token).json(&body)).await
    }

    /// The ids of all orders of somebody, from the newest.
    pub async fn orders(&self, who: &User) -> Vec<String> {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self
                .get_as(who, &format!("/orders?limit=100{cursor}"))
                .await;
            let page = page.expect(200);
            let items = page["items"].as_array().unwrap();
            ids.extend(items.iter().map(id_of));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return ids,
            }
        }
    }

    pub async fn health(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn ops(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let url = format!("{}{path}", self.private_url());
        let request = self.client.request(method, url).bearer_auth(OPS_TOKEN);
        send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    pub async fn turn(&self, module: &str, turn: Value) -> Answer {
        let path = format!("/ops/modules/{module}");
        self.ops(Method::PUT, &path, Some(&turn)).await
    }

    /// The module in `/ops/topology`.
    pub async fn topology(&self, module: &str) -> Value {
        let topology = self.ops(Method::GET, "/ops/topology", None).await;
        topology.expect(200)["modules"][module].take()
    }

    pub async fn admin(&self) -> User {
        let users = self.instance.shop.users.as_ref().unwrap();
        let password = Some(PASSWORD.to_owned());
        let made = users.create_admin("admin@example.com", password).await;
        made.unwrap();
        self.with_token("admin@example.com").await
    }

    pub async fn customer(&self, name: &str) -> User {
        let email = format!("{name}@example.com");
        let body = json!({ "email": email, "password": PASSWORD, "full_name": name });
        let request = self.request(Method::POST, "/api/v1/auth/register");
        send(request.json(&body)).await.expect(201);
        self.with_token(&email).await
    }

    async fn with_token(&self, email: &str) -> User {
        let mut user = User {
            email: email.to_owned(),
            token: String::new(),
        };
        let tokens = self.login(&user).await.expect(200);
        user.token = tokens["access_token"].as_str().unwrap().to_owned();
        user
    }

    /// Puts a product on sale and tells its id.
    pub async fn product(&self, admin: &User, sku: &str, on_hand: i64) -> String {
        let product = self
            .post_as(admin, "/products", &product(sku, on_hand))
            .await;
        id_of(&product.expect(201))
    }
}

pub fn product(sku: &str, on_hand: i64) -> Value {
    json!({
        "sku": sku,
        "name": format!("Product {sku}"),
        "price": { "amount": 1999, "currency": "EUR" },
        "stock": { "on_hand": on_hand },
    })
}

pub fn id_of(document: &Value) -> String {
    document["id"].as_str().unwrap().to_owned()
}

pub async fn send(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.unwrap()).await
}

pub async fn balanced(databases: &TestDatabases) {
    let mut products = databases.connect(Module::Products).await;
    let mut orders = databases.connect(Module::Orders).await;
    expect_balanced_books(&mut products, &mut orders).await;
}

/// Reservations that hold stock, allocated or not.
pub async fn reservations(databases: &TestDatabases) -> i64 {
    let mut products = databases.connect(Module::Products).await;
    sqlx::query_scalar("select count(*) from reservations where state in ('held', 'allocated')")
        .fetch_one(&mut products)
        .await
        .unwrap()
}
