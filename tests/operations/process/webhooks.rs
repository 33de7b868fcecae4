//! Webhooks across the ends of a process, in order and out of order.

use std::path::Path;
use std::sync::Arc;

use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::shutdown::sign_in;
use crate::support::{
    Answer, Process, Receiver, Reply, command, eventually, free_address, roomy_folder, server_of,
};

/// A process with an admin's token.
struct Shop {
    process: Process,
    token: String,
}

async fn serve(folder: &Path) -> Process {
    let address = free_address();
    let set = "webhooks.allow_private_addresses=true";
    let command = command(folder, address, &["serve", "--set", set]);
    Process::serve(command, address).await
}

impl Shop {
    async fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.process.request(method, &format!("/api/v1{path}"));
        let request = request.bearer_auth(&self.token).json(body);
        let answer = Answer::read(request.send().await.unwrap()).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        answer.json
    }

    async fn product(&self) -> String {
        let product = json!({
            "sku": "SOFA", "name": "Sofa", "price": { "amount": 1, "currency": "EUR" },
            "stock": { "on_hand": 9 },
        });
        let product = self.ask(Method::POST, "/products", &product).await;
        product["id"].as_str().unwrap().to_owned()
    }

    async fn order(&self, product: &str) {
        let body = json!({ "items": [{ "product_id": product, "quantity": 1 }] });
        self.ask(Method::POST, "/orders", &body).await;
    }

    /// Its path and its secret.
    async fn webhook(&self, url: &str) -> (String, String) {
        let body = json!({ "url": url });
        let made = self.ask(Method::POST, "/webhooks", &body).await;
        let id = made["id"].as_str().unwrap();
        let secret = made["secret"].as_str().unwrap().to_owned();
        (format!("/webhooks/{id}"), secret)
    }

    /// Attempts of each delivery, once all are delivered.
    async fn delivered(&self, webhook: &str, number: usize) -> Vec<usize> {
        let path = format!("{webhook}/deliveries");
        let mut items = Vec::new();
        eventually("all are delivered", async || {
            let page = self.ask(Method::GET, &path, &json!({})).await;
            items = page["items"].as_array().unwrap().clone();
            items.len() == number && items.iter().all(|item| item["status"] == "delivered")
        })
        .await;
        let attempts = items.iter().map(|item| item["attempts"].as_array());
        attempts.map(|attempts| attempts.unwrap().len()).collect()
    }
}

#[tokio::test]
async fn what_a_killed_process_was_telling_is_told_again_under_the_same_id() {
    let folder = roomy_folder();
    let mut replies = vec![Reply::Status(204), Reply::Silence];
    let receiver = Receiver::answering(move |_| replies.pop().unwrap()).await;
    let process = serve(folder.path()).await;
    let token = sign_in(&process, folder.path()).await;
    let shop = Shop { process, token };
    let product = shop.product().await;
    let (webhook, secret) = shop.webhook(&receiver.url("/")).await;
    shop.order(&product).await;
    receiver.heard(1).await;
    shop.process.signal(Signal::SIGKILL);
    assert_eq!(shop.process.ended().await, None);

    let process = serve(folder.path()).await;
    let token = shop.token;
    let shop = Shop { process, token };
    let server = server_of(folder.path()).await.unwrap();
    let orders = sqlx::PgPool::connect_with(server.connect_options("orders"));
    let orders = orders.await.unwrap();
    // Until the lease has ended it may be anybody's who is still there.
    assert_eq!(receiver.notices().len(), 1);
    sqlx::raw_sql("update webhook_deliveries set due_at = now()")
        .execute(&orders)
        .await
        .unwrap();
    assert_eq!(shop.delivered(&webhook, 1).await, [1]);
    let notices = receiver.notices();
    assert_eq!(notices.len(), 2);
    assert_eq!(
        notices[0].header("webhook-id"),
        notices[1].header("webhook-id")
    );
    assert_eq!(notices[0].verified(&secret), notices[1].verified(&secret));
    assert!(!shop.process.log().contains(&secret));
}

#[tokio::test]
async fn sigterm_finishes_a_delivery_or_leaves_it_to_others_at_once() {
    let folder = roomy_folder();
    let go_on = Arc::new(Notify::new());
    let mut replies = vec![
        Reply::Status(204),
        Reply::Silence,
        Reply::After(Arc::clone(&go_on)),
    ];
    let receiver = Receiver::answering(move |_| replies.pop().unwrap()).await;
    let process = serve(folder.path()).await;
    let token = sign_in(&process, folder.path()).await;
    let shop = Shop { process, token };
    let product = shop.product().await;
    let (webhook, _) = shop.webhook(&receiver.url("/")).await;

    shop.order(&product).await;
    receiver.heard(1).await;
    shop.process.signal(Signal::SIGTERM);
    eventually("it is not ready any more", async || {
        !shop.process.is_ready().await
    })
    .await;
    go_on.notify_one();
    assert_eq!(shop.process.ended().await, Some(0));

    let process = serve(folder.path()).await;
    let token = shop.token;
    let shop = Shop { process, token };
    assert_eq!(shop.delivered(&webhook, 1).await, [1]);
    shop.order(&product).await;
    receiver.heard(2).await;
    shop.process.signal(Signal::SIGTERM);
    assert_eq!(shop.process.ended().await, Some(0));

    let process = serve(folder.path()).await;
    let token = shop.token;
    let shop = Shop { process, token };
    assert_eq!(shop.delivered(&webhook, 2).await, [1, 1]);
    let notices = receiver.notices();
    assert_eq!(notices.len(), 3);
    assert_eq!(
        notices[1].header("webhook-id"),
        notices[2].header("webhook-id")
    );
}
