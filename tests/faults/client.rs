//! Somebody with an access token, who knows all doors of the shop and writes down what is wrong
//! with its answers.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use reqwest::{Client as Http, Method, RequestBuilder, Response};
use serde_json::Value;

use crate::ledger::Ledger;
use crate::support::{Answer, PASSWORD};

/// A frozen process answers when it goes on; clients do not wait for that.
const PATIENCE: Duration = Duration::from_secs(6);
const BETWEEN_TRIES: Duration = Duration::from_millis(25);

pub struct Client<'a> {
    pub ledger: &'a Ledger,
    doors: &'a [SocketAddr],
    http: Http,
    token: String,
}

pub struct Ask<'a> {
    pub method: Method,
    /// Below `/api/v1`.
    pub path: String,
    pub key: Option<&'a str>,
    pub body: Value,
}

impl Ask<'_> {
    pub fn post(path: String, body: Value) -> Self {
        Self {
            method: Method::POST,
            path,
            key: None,
            body,
        }
    }

    pub fn delete(path: String) -> Self {
        Self {
            method: Method::DELETE,
            path,
            key: None,
            body: Value::Null,
        }
    }

    pub fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            key: None,
            body: Value::Null,
        }
    }
}

impl<'a> Client<'a> {
    pub async fn sign_in(ledger: &'a Ledger, doors: &'a [SocketAddr], login: &Value) -> Self {
        let mut client = Self {
            ledger,
            doors,
            http: Http::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .build()
                .unwrap(),
            token: String::new(),
        };
        let tokens = client.insist("/auth/login", login).await.expect(200);
        client.token = tokens["access_token"].as_str().unwrap().to_owned();
        client
    }

    pub async fn register(ledger: &'a Ledger, doors: &'a [SocketAddr], name: &str) -> Self {
        let email = format!("{name}@example.com");
        let new = serde_json::json!({ "email": email, "password": PASSWORD, "full_name": name });
        let login = serde_json::json!({ "email": email, "password": PASSWORD });
        let nobody = Self {
            ledger,
            doors,
            http: Http::builder().no_proxy().build().unwrap(),
            token: String::new(),
        };
        // 409: it was heard, and the answer lost.
        let answer = nobody.insist("/auth/register", &new).await;
        assert!([201, 409].contains(&answer.status.as_u16()), "{answer:?}");
        Self::sign_in(ledger, doors, &login).await
    }

    /// Until it is answered, at the first door.
    pub async fn insist(&self, path: &str, body: &Value) -> Answer {
        loop {
            let ask = Ask::post(path.to_owned(), body.clone());
            if let Some(answer) = self.ask(self.doors[0], &ask).await {
                return answer;
            }
        }
    }

    pub fn door(&self, random: &mut ChaCha8Rng) -> SocketAddr {
        self.doors[random.random_range(0..self.doors.len())]
    }

    /// `None` when nobody knows what became of it: no answer, half of one, or 503.
    pub async fn ask(&self, door: SocketAddr, ask: &Ask<'_>) -> Option<Answer> {
        let answer = self.send(door, ask).await;
        self.ledger.count_answer();
        if answer.is_none() {
            self.ledger.unanswered.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        answer
    }

    /// While the door is closed nobody has heard anything, and it is asked again.
    async fn knock(&self, request: RequestBuilder) -> Option<Response> {
        let start = Instant::now();
        loop {
            match request.try_clone()?.send().await {
                Ok(response) => return Some(response),
                Err(error) if error.is_connect() && start.elapsed() < PATIENCE => {
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                Err(_) => return None,
            }
        }
    }

    async fn send(&self, door: SocketAddr, ask: &Ask<'_>) -> Option<Answer> {
        let url = format!("http://{door}/api/v1{}", ask.path);
        let mut request = self.http.request(ask.method.clone(), url);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(key) = ask.key {
            request = request.header("Idempotency-Key", key);
        }
        if !ask.body.is_null() {
            request = request.json(&ask.body);
        }
        let response = self.knock(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.ok()?;
        let nothing = if text.is_empty() { "null" } else { &text };
        let Ok(json) = serde_json::from_str::<Value>(nothing) else {
            self.ledger
                .wrong(format!("{} {}: {status} {text:?}", ask.method, ask.path));
            return None;
        };
        let answer = Answer {
            status,
            headers,
            text,
            json,
        };
        match answer.status.as_u16() {
            503 if is_problem(&answer) => None,
            200..=299 => Some(answer),
            400..=499 if is_problem(&answer) => Some(answer),
            _ => {
                self.ledger
                    .wrong(format!("{} {}: {answer:?}", ask.method, ask.path));
                None
            }
        }
    }
}

fn is_problem(answer: &Answer) -> bool {
    answer.header("content-type") == Some("application/problem+json")
        && answer.json["code"].is_string()
        && answer.json["status"] == answer.status.as_u16()
}
