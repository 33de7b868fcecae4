//! Every kind of answer that clients get, one after the other.

mod manners;
mod orders;
mod products;
mod users;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use super::recording::Recording;
use crate::support::{Customer, TestShop};

pub struct Tour<'a> {
    shop: &'a TestShop,
    client: Client,
    recording: &'a mut Recording,
}

pub async fn walk(shop: &TestShop, recording: &mut Recording) {
    let client = Client::builder().no_proxy().redirect(Policy::none());
    let client = client.build().unwrap();
    let mut tour = Tour {
        shop,
        client,
        recording,
    };
    let ada = users::visit(&mut tour).await;
    let admin = shop.admin().await;
    let product = products::visit(&mut tour, &admin, &ada).await;
    orders::visit(&mut tour, &admin, &ada, &product).await;
    manners::visit(&mut tour, &ada, &product).await;
}

/// What a request has besides method and path.
type With<'a> = &'a dyn Fn(RequestBuilder) -> RequestBuilder;

/// Nothing.
fn bare(request: RequestBuilder) -> RequestBuilder {
    request
}

impl Tour<'_> {
    /// Asks for `METHOD /path`, and returns the body as JSON.
    async fn ask(&mut self, call: &str, with: With<'_>) -> Value {
        let (method, path) = call.split_once(' ').unwrap();
        let url = self.shop.url(path);
        let request = self.client.request(method.parse().unwrap(), url);
        let answer = with(request).send().await.unwrap();
        let body = self.recording.write(call, answer).await;
        serde_json::from_str(&body).unwrap_or_default()
    }

    /// With a body of JSON, as somebody or as nobody.
    async fn send(&mut self, who: Option<&Customer>, call: &str, body: &Value) -> Value {
        self.ask(call, &|request| {
            let request = request.json(body);
            match who {
                Some(who) => request.bearer_auth(&who.token),
                None => request,
            }
        })
        .await
    }

    async fn get(&mut self, who: Option<&Customer>, path: &str) -> Value {
        let call = format!("GET {path}");
        match who {
            Some(who) => self.ask(&call, &|r| r.bearer_auth(&who.token)).await,
            None => self.ask(&call, &bare).await,
        }
    }
}
