//! A front and a service on the same databases, with a proxy between them.

use crate::node::{Node, User};
use crate::proxy::Proxy;
use crate::support::TestDatabases;

pub struct Split {
    pub databases: TestDatabases,
    pub service: Node,
    pub proxy: Proxy,
    pub front: Node,
    pub admin: User,
    pub buyer: User,
    /// Of which there are 100,000.
    pub product: String,
}

impl Split {
    /// This module is not in the front, only in the service; impatient, so that tests are short.
    pub async fn without(module: &str, set: &[&str]) -> Self {
        let mode = format!("modules.{module}.mode=remote");
        let timeout = format!("modules.{module}.call_timeout_ms=1000");
        let open = format!("modules.{module}.circuit_open_ms=400");
        let own = [&mode, &timeout, &open, "server.request_deadline_ms=5000"];
        // The front relays the events, so that they cross the wire.
        let service: &[&str] = match module {
            "orders" => &[],
            _ => &["modules.orders.mode=off"],
        };
        let set: Vec<&str> = own.iter().chain(set).copied().collect();
        Self::start(&[module], service, &set).await
    }

    /// The front hosts everything and knows where the service is.
    pub async fn hosted(set: &[&str]) -> Self {
        Self::start(&["users", "products", "orders"], &[], set).await
    }

    async fn start(peers: &[&str], of_service: &[&str], of_front: &[&str]) -> Self {
        let databases = TestDatabases::create().await;
        let service = Node::start(&databases, of_service).await;
        let proxy = Proxy::to(service.private_address);
        let urls = peers
            .iter()
            .map(|m| format!("modules.{m}.url={}", proxy.url()));
        let urls: Vec<String> = urls.collect();
        let all: Vec<&str> = urls
            .iter()
            .map(String::as_str)
            .chain(of_front.iter().copied())
            .collect();
        let front = Node::start(&databases, &all).await;
        let admin = service.admin().await;
        let buyer = service.customer("buyer").await;
        let product = service.product(&admin, "TEA", 100_000).await;
        Self {
            databases,
            service,
            proxy,
            front,
            admin,
            buyer,
            product,
        }
    }

    pub fn product_path(&self) -> String {
        format!("/products/{}", self.product)
    }

    pub async fn close(self) {
        self.front.close().await;
        self.service.close().await;
    }
}
