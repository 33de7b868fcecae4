//! What operators ask of the front's private listener.

use cleave::reconcile::Report;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::instances::OPS_TOKEN;
use super::{Answer, TestShop};

impl TestShop {
    /// What `POST /ops/reconcile` finds.
    pub async fn reconcile(&self, repair: bool) -> Report {
        let wanted = json!({ "repair": repair });
        let report = self.ask_ops("/ops/reconcile", &wanted).await;
        serde_json::from_value(report.expect(200)).unwrap()
    }

    pub async fn ask_ops(&self, path: &str, body: &Value) -> Answer {
        self.send(self.ops_request(path, body)).await
    }

    pub fn ops_request(&self, path: &str, body: &Value) -> RequestBuilder {
        let url = format!("http://{}{path}", self.private());
        let request = self.client.post(url).bearer_auth(OPS_TOKEN);
        request.json(body)
    }

    /// Turns the dial of a module.
    pub async fn turn(&self, module: &str, turn: &Value) -> Answer {
        let url = format!("http://{}/ops/modules/{module}", self.private());
        let request = self.client.put(url).bearer_auth(OPS_TOKEN);
        self.send(request.json(turn)).await
    }

    pub async fn ops(&self, method: Method, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.private());
        let request = self.client.request(method, url);
        self.send(request.bearer_auth(OPS_TOKEN)).await
    }
}
