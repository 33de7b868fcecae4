//! What operators ask of the front's private listener.

use reqwest::Method;

use super::instances::OPS_TOKEN;
use super::{Answer, TestShop};

impl TestShop {
    pub async fn ops(&self, method: Method, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.private());
        let request = self.client.request(method, url);
        self.send(request.bearer_auth(OPS_TOKEN)).await
    }
}
