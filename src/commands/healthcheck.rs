use std::time::Duration;

use serde_json::{Value, json};

use super::Outcome;
use super::operator::private_listener;
use crate::cli::Output;
use crate::settings::Settings;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the instance that these settings belong to whether it is ready.
///
/// Its private listener says the same as the public one, speaks plain HTTP where that one has a
/// certificate for a name that is not this address, and is found where its port was 0.
pub async fn run(settings: Settings, output: Output) -> anyhow::Result<Outcome> {
    let (ready, detail) = match private_listener(&settings) {
        Ok(address) => ask(&format!("http://{address}/health/ready")).await,
        Err(error) => (false, error.to_string()),
    };
    if output.json {
        println!("{}", json!({ "ready": ready, "detail": detail }));
    } else {
        println!("{detail}");
    }
    Ok(if ready {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

async fn ask(url: &str) -> (bool, String) {
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .build();
    let answer = match client {
        Ok(client) => client.get(url).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) if answer.status().is_success() => (true, "ready".to_owned()),
        Ok(answer) => {
            let status = answer.status();
            let problem: Value = answer.json().await.unwrap_or_default();
            let reason = problem["detail"].as_str().unwrap_or("no reason given");
            (false, format!("not ready: {status}: {reason}"))
        }
        Err(error) => (false, format!("no answer from {url}: {error}")),
    }
}
