//! People who order while the shop goes down, and remember what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Process};

/// What the shop has acknowledged, and what it left without an answer.
#[derive(Default)]
pub struct Memory {
    /// Body of the order by its key, and the id once there was an answer.
    pub orders: BTreeMap<String, (Value, Option<String>)>,
    /// Acknowledged cancellations, by order.
    cancelled: Vec<String>,
}

pub struct Buyers<'a> {
    process: &'a Process,
    token: &'a str,
    products: &'a [String],
    /// Answers so far, of all of them.
    pub answers: AtomicUsize,
}

impl<'a> Buyers<'a> {
    pub fn of(process: &'a Process, token: &'a str, products: &'a [String]) -> Self {
        Self {
            process,
            token,
            products,
            answers: AtomicUsize::new(0),
        }
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Option<Answer> {
        let request = self.process.request(Method::POST, path);
        let request = request
            .bearer_auth(self.token)
            .header("Idempotency-Key", key);
        let response = request.json(body).send().await.ok()?;
        // An answer may be cut off in the middle.
        let status = response.status();
        let headers = response.headers().clone();
        let text = response.text().await.ok()?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        Some(Answer {
            status,
            headers,
            text,
            json,
        })
    }

    async fn place(&self, key: &str, body: &Value) -> Option<String> {
        let answer = self.post("/api/v1/orders", key, body).await?;
        if answer.status.is_server_error() {
            // Its database went first.
            return None;
        }
        assert!([200, 201].contains(&answer.status.as_u16()), "{answer:?}");
        Some(answer.json["id"].as_str().unwrap().to_owned())
    }

    /// Orders, and cancels every third one, until the shop is gone.
    pub async fn shop_until_it_drops(&self, mut random: StdRng, name: String) -> Memory {
        let mut memory = Memory::default();
        for number in 0.. {
            let (key, product) = (format!("{name} {number}"), random.random_range(0..2));
            let body = json!({ "items": [
                { "product_id": self.products[product], "quantity": random.random_range(1..4) },
                { "product_id": self.products[1 - product], "quantity": 1 },
            ]});
            let id = self.place(&key, &body).await;
            memory.orders.insert(key, (body, id.clone()));
            self.answers.fetch_add(1, Ordering::Relaxed);
            let Some(id) = id else { break };
            if number % 3 == 0 {
                let path = format!("/api/v1/orders/{id}/cancel");
                match self.post(&path, "cancel", &json!({})).await {
                    Some(answer) if answer.status == 200 => memory.cancelled.push(id),
                    Some(answer) => assert!(answer.status.is_server_error(), "{answer:?}"),
                    None => break,
                }
            }
        }
        memory
    }

    /// Everything acknowledged is there; what had no answer can be asked for again.
    pub async fn verify(&self, memory: &mut Memory) {
        for (key, (body, id)) in &mut memory.orders {
            let found = self.place(key, body).await;
            assert!(found.is_some(), "{key}");
            if id.is_some() {
                assert_eq!(*id, found, "{key}: acknowledged, and lost");
            }
            *id = found;
        }
        for id in &memory.cancelled {
            let request = self
                .process
                .request(Method::GET, &format!("/api/v1/orders/{id}"));
            let answer = request.bearer_auth(self.token).send().await.unwrap();
            let order = Answer::read(answer).await.expect(200);
            assert_eq!(order["status"], "cancelled");
        }
    }
}
