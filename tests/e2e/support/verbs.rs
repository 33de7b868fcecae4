//! What people do with a shop.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, TestShop};

pub const PASSWORD: &str = "correct horse battery";

/// Somebody with an access token.
#[derive(Clone, Debug)]
pub struct Customer {
    pub id: String,
    pub email: String,
    pub token: String,
}

impl TestShop {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await
    }

    /// A path below `/api/v1`, as nobody.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, &format!("/api/v1{path}")))
            .await
    }

    pub async fn get_as(&self, who: &Customer, path: &str) -> Answer {
        let request = self.request(Method::GET, &format!("/api/v1{path}"));
        self.send(request.bearer_auth(&who.token)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, &format!("/api/v1{path}"));
        self.send(request.json(body)).await
    }

    pub async fn post_as(&self, who: &Customer, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, &format!("/api/v1{path}"));
        self.send(request.bearer_auth(&who.token).json(body)).await
    }

    pub async fn put_as(&self, who: &Customer, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::PUT, &format!("/api/v1{path}"));
        self.send(request.bearer_auth(&who.token).json(body)).await
    }

    pub async fn patch_as(&self, who: &Customer, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::PATCH, &format!("/api/v1{path}"));
        self.send(request.bearer_auth(&who.token).json(body)).await
    }

    pub async fn delete_as(&self, who: &Customer, path: &str) -> Answer {
        let request = self.request(Method::DELETE, &format!("/api/v1{path}"));
        self.send(request.bearer_auth(&who.token)).await
    }

    /// Registers and signs in.
    pub async fn customer(&self, name: &str) -> Customer {
        let email = format!("{name}@example.com");
        let body = json!({ "email": email, "password": PASSWORD, "full_name": name });
        let user = self.post("/auth/register", &body).await.expect(201);
        self.login(&email, user["id"].as_str().unwrap()).await
    }

    async fn login(&self, email: &str, id: &str) -> Customer {
        let body = json!({ "email": email, "password": PASSWORD });
        let tokens = self.post("/auth/login", &body).await.expect(200);
        Customer {
            id: id.to_owned(),
            email: email.to_owned(),
            token: tokens["access_token"].as_str().unwrap().to_owned(),
        }
    }

    pub async fn admin(&self) -> Customer {
        self.users()
            .create_admin("admin@example.com", Some(PASSWORD.to_owned()))
            .await
            .unwrap();
        let mut admin = self.login("admin@example.com", "").await;
        let me = self.get_as(&admin, "/auth/me").await.expect(200);
        admin.id = me["id"].as_str().unwrap().to_owned();
        admin
    }

    /// Adds an address and tells its id.
    pub async fn address(&self, who: &Customer) -> String {
        let added = self.post_as(who, "/users/me/addresses", &address()).await;
        added.expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// The session that their token is of.
    pub async fn session(&self, who: &Customer) -> String {
        let sessions = self.get_as(who, "/auth/sessions").await.expect(200);
        let sessions = sessions["items"].as_array().unwrap().clone();
        let current = sessions
            .iter()
            .find(|session| session["is_current"] == true);
        current.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Puts a product on sale and tells its id.
    pub async fn product(&self, admin: &Customer, sku: &str, price: i64, on_hand: i64) -> String {
        let body = json!({
            "sku": sku,
            "name": format!("Product {sku}"),
            "price": { "amount": price, "currency": "EUR" },
            "stock": { "on_hand": on_hand },
        });
        let product = self.post_as(admin, "/products", &body).await.expect(201);
        product["id"].as_str().unwrap().to_owned()
    }

    /// `(on_hand, reserved, available)`.
    pub async fn stock(&self, product_id: &str) -> (i64, i64, i64) {
        let product = self
            .get(&format!("/products/{product_id}"))
            .await
            .expect(200);
        let stock = |field: &str| product["stock"][field].as_i64().unwrap();
        (stock("on_hand"), stock("reserved"), stock("available"))
    }

    pub async fn place_order(&self, who: &Customer, lines: &[(&str, i64)]) -> Answer {
        self.post_as(who, "/orders", &order(lines)).await
    }

    pub async fn place_order_with_key(
        &self,
        who: &Customer,
        key: &str,
        lines: &[(&str, i64)],
    ) -> Answer {
        let request = self.request(Method::POST, "/api/v1/orders");
        let request = request
            .bearer_auth(&who.token)
            .header("Idempotency-Key", key);
        self.send(request.json(&order(lines))).await
    }

    pub async fn cancel_order(&self, who: &Customer, order_id: &str) -> Answer {
        self.step_order(who, order_id, "cancel").await
    }

    /// `pay`, `ship`, `deliver` or `cancel`.
    pub async fn step_order(&self, who: &Customer, order_id: &str, step: &str) -> Answer {
        self.post_as(who, &format!("/orders/{order_id}/{step}"), &json!({}))
            .await
    }
}

/// An address with everything that must be there.
pub fn address() -> Value {
    json!({
        "name": "Anna Schmidt",
        "line1": "Unter den Linden 1",
        "city": "Berlin",
        "postal_code": "10117",
        "country": "DE",
    })
}

fn order(lines: &[(&str, i64)]) -> Value {
    let item = |(id, quantity): &(&str, i64)| json!({ "product_id": id, "quantity": quantity });
    json!({ "items": lines.iter().map(item).collect::<Vec<_>>() })
}
