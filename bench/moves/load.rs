//! Clients that place orders.

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::RngExt;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::fleet::{Databases, Fleet};

const PRODUCTS: usize = 1000;
const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "correct horse battery";

/// A shop with products, and somebody who is signed in.
pub struct Shop {
    client: Client,
    base: String,
    token: String,
    products: Vec<String>,
}

/// What one round of orders took.
pub struct Figures {
    pub took: Vec<Duration>,
    pub failed: usize,
    pub lasted: Duration,
    pub cpu: Option<Duration>,
}

impl Shop {
    pub async fn open(fleet: &Fleet, databases: &Databases) -> Self {
        let mut shop = Self {
            client: Client::builder().no_proxy().build().unwrap(),
            base: format!("http://{}/api/v1", fleet.address()),
            token: String::new(),
            products: databases.products(PRODUCTS).await,
        };
        let account = json!({ "email": EMAIL, "password": PASSWORD, "full_name": "Bench" });
        // It is there from the second round on.
        shop.post("/auth/register", &account).await;
        let account = json!({ "email": EMAIL, "password": PASSWORD });
        let (status, tokens) = shop.post("/auth/login", &account).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        shop.token = tokens["access_token"].as_str().unwrap().to_owned();
        shop
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request.bearer_auth(&self.token).json(body);
        match request.send().await {
            Ok(answer) => (answer.status(), answer.json().await.unwrap_or_default()),
            Err(error) => (StatusCode::IM_A_TEAPOT, json!(error.to_string())),
        }
    }

    /// Of two lines; how long it took, unless it was refused.
    pub async fn place_order(&self) -> Option<Duration> {
        let order = {
            let mut random = rand::rng();
            let mut product = || &self.products[random.random_range(0..PRODUCTS)];
            json!({ "items": [
                { "product_id": product(), "quantity": 1 },
                { "product_id": product(), "quantity": 2 },
            ] })
        };
        let begun = Instant::now();
        let (status, answer) = self.post("/orders", &order).await;
        if status == StatusCode::CREATED {
            return Some(begun.elapsed());
        }
        eprintln!("{status}: {answer}");
        None
    }

    /// One order after the other for each client.
    pub async fn place_orders(&self, clients: usize, lasting: Duration) -> Figures {
        let start = Instant::now();
        let client = async || {
            let (mut took, mut failed) = (Vec::new(), 0);
            while start.elapsed() < lasting {
                match self.place_order().await {
                    Some(time) => took.push(time),
                    None => failed += 1,
                }
            }
            (took, failed)
        };
        let all = join_all((0..clients).map(|_| client())).await;
        let mut figures = Figures {
            took: Vec::new(),
            failed: 0,
            lasted: start.elapsed(),
            cpu: None,
        };
        for (took, failed) in all {
            figures.took.extend(took);
            figures.failed += failed;
        }
        figures
    }
}

impl Figures {
    pub fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.took.len()).unwrap()) / self.lasted.as_secs_f64()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = quantiles(&mut self.took.clone());
        write!(
            f,
            "{:.0}/s, p50 {p50:.1?}, p99 {p99:.1?}",
            self.per_second()
        )?;
        if let Some(cpu) = self.cpu {
            let orders = u32::try_from(self.took.len()).unwrap().max(1);
            write!(f, ", CPU {:.2?} an order", cpu / orders)?;
        }
        Ok(())
    }
}

pub fn quantiles(took: &mut [Duration]) -> (Duration, Duration) {
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).copied();
    (at(50).unwrap_or_default(), at(99).unwrap_or_default())
}
