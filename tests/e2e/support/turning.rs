use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cleave::settings::Module;
use rand::RngExt;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::instances::OPS_TOKEN;
use super::{Answer, TestDatabases, client};

/// Between two steps of a dial, in milliseconds.
const PAUSE: std::ops::Range<u64> = 20..50;
const PATIENCE: Duration = Duration::from_secs(30);

/// The dials of a front, turned round and round until it is stopped.
pub struct Turning {
    stop: CancellationToken,
    dials: JoinSet<()>,
}

impl Turning {
    /// Of the front whose private listener this is.
    pub fn start(private: SocketAddr, databases: &TestDatabases) -> Self {
        let stop = CancellationToken::new();
        let mut dials = JoinSet::new();
        let client = client();
        for module in Module::ALL {
            let dial = Dial {
                client: client.clone(),
                url: format!("http://{private}/ops/modules/{module}"),
                databases: databases.clone(),
            };
            dials.spawn(dial.turn_until(stop.clone()));
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

struct Dial {
    client: Client,
    url: String,
    databases: TestDatabases,
}

impl Dial {
    async fn turn_until(self, stop: CancellationToken) {
        let round = [
            json!({ "step": "shadow", "percent": 50 }),
            json!({ "step": "canary", "percent": 50 }),
            json!({ "step": "remote" }),
            json!({ "step": "local" }),
        ];
        for step in round.iter().cycle() {
            self.turn(step).await;
            let pause = Duration::from_millis(rand::rng().random_range(PAUSE));
            let pause = tokio::time::sleep(pause);
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    async fn turn(&self, step: &Value) {
        let mut step = step.clone();
        let start = Instant::now();
        let answer = loop {
            let answer = self.ask(&step).await;
            if answer.json["code"] != "peer_not_ready" || start.elapsed() > PATIENCE {
                break answer;
            }
            // A peer that is busy is asked again; one without its database is taken as it is.
            step["force"] = self.databases.had_outage().into();
        };
        let url = &self.url;
        assert_eq!(answer.status, 200, "{url} to {step}: {}", answer.text);
        assert_eq!(answer.json["step"], step["step"], "{url}");
    }

    async fn ask(&self, step: &Value) -> Answer {
        let request = self.client.put(&self.url).bearer_auth(OPS_TOKEN);
        Answer::read(request.json(step).send().await.unwrap()).await
    }
}
