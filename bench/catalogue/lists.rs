//! The first and the thousandth page of each list.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fleet::Fleet;
use crate::load::quantiles;

const PAGES: usize = 1000;
const TIMES: usize = 100;

pub const FILTERS: [&str; 5] = [
    "",
    "category=tableware",
    "min_price=1000&max_price=3000",
    "in_stock=true",
    "in_stock=false",
];

pub struct Client {
    client: reqwest::Client,
    base: String,
}

impl Client {
    pub fn new(fleet: &Fleet) -> Self {
        Self {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: format!("http://{}", fleet.address()),
        }
    }

    pub async fn get(&self, path: &str) -> (Value, Duration) {
        let begun = Instant::now();
        let answer = self.client.get(format!("{}{path}", self.base)).send().await;
        let answer = answer.unwrap().error_for_status().unwrap();
        let body = answer.bytes().await.unwrap();
        let took = begun.elapsed();
        (serde_json::from_slice(&body).unwrap_or_default(), took)
    }

    pub async fn times(&self, path: &str) -> Vec<Duration> {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            took.push(self.get(path).await.1);
        }
        took
    }
}

pub async fn run(client: &Client) {
    for filter in FILTERS {
        for sort in ["newest", "price", "-price", "name"] {
            let path = format!("/api/v1/products?sort={sort}&{filter}");
            let mut first = client.times(&path).await;
            say(&format!("list {sort} {filter}, page 1"), &mut first);
            let Some((page, cursor)) = walk(client, &path).await else {
                continue;
            };
            let mut far = client.times(&format!("{path}&cursor={cursor}")).await;
            say(&format!("list {sort} {filter}, page {page}"), &mut far);
        }
    }
}

/// The cursor of the thousandth page, or of the last one that there is.
async fn walk(client: &Client, path: &str) -> Option<(usize, String)> {
    let mut place = None;
    let mut next = path.to_owned();
    for page in 2..=PAGES {
        let (body, _) = client.get(&next).await;
        let Some(cursor) = body["next_cursor"].as_str() else {
            break;
        };
        next = format!("{path}&cursor={cursor}");
        place = Some((page, cursor.to_owned()));
    }
    place
}

pub fn say(what: &str, took: &mut [Duration]) {
    let (p50, p99) = quantiles(took);
    println!("  {what:<62} p50 {p50:>8.1?}  p99 {p99:>8.1?}");
}
