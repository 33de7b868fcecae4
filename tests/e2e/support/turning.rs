use std::net::SocketAddr;
use std::time::Duration;

use cleave::settings::Module;
use rand::RngExt;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::instances::OPS_TOKEN;

/// Between two steps of a dial, in milliseconds.
const PAUSE: std::ops::Range<u64> = 20..50;

/// The dials of a front, turned round and round until it is stopped.
pub struct Turning {
    stop: CancellationToken,
    dials: JoinSet<()>,
}

impl Turning {
    /// Of the front whose private listener this is.
    pub fn start(private: SocketAddr) -> Self {
        let stop = CancellationToken::new();
        let mut dials = JoinSet::new();
        for module in Module::ALL {
            dials.spawn(turn(private, module, stop.clone()));
        }
        Self { stop, dials }
    }

    /// Fails when a turn was refused.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(turned) = self.dials.join_next().await {
            turned.unwrap();
        }
    }
}

async fn turn(private: SocketAddr, module: Module, stop: CancellationToken) {
    let client = Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{private}/ops/modules/{module}");
    let round = [
        json!({ "step": "shadow", "percent": 50 }),
        json!({ "step": "canary", "percent": 50 }),
        json!({ "step": "remote" }),
        json!({ "step": "local" }),
    ];
    for step in round.iter().cycle() {
        let request = client.put(&url).bearer_auth(OPS_TOKEN).json(step);
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{module} to {step}: {text}");
        let state: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(state["step"], step["step"], "{module}");
        let pause = Duration::from_millis(rand::rng().random_range(PAUSE));
        if stop
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_none()
        {
            return;
        }
    }
}
