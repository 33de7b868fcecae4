//! What the processes of a shop share.

use platform::redis::Redis;

use super::Finding;
use crate::connections;
use crate::settings::{Module, Settings};

/// The common one, and that of users where it has its own.
pub(super) async fn examine(settings: &Settings, findings: &mut Vec<Finding>) {
    let common = connections::common_redis(settings).transpose();
    let own = match settings.source("modules.users.redis_url") {
        Some(source) if !source.is_inherited() && settings.hosted().any(|m| m == Module::Users) => {
            connections::redis(settings, Module::Users).transpose()
        }
        _ => None,
    };
    if common.is_none() && own.is_none() {
        let none = "none; each process limits sign-ins and turns its dials by itself";
        findings.push(Finding::new("redis", Ok(none.to_owned())));
    }
    for (subject, setting, redis) in [
        ("redis", "redis.url", common),
        ("users redis", "modules.users.redis_url", own),
    ] {
        if let Some(redis) = redis {
            let found = match redis {
                Ok(redis) => look(&redis, setting).await,
                Err(error) => Err(format!("{error:#}")),
            };
            findings.push(Finding::new(subject, found));
        }
    }
}

async fn look(redis: &Redis, setting: &str) -> Result<String, String> {
    match redis.look().await {
        Ok(latency) => Ok(format!("answers in {:.1} ms", latency.as_secs_f64() * 1e3)),
        Err(error) => Err(format!(
            "{error}: check {setting} and that Redis runs; until then each process does by itself \
             what it would share"
        )),
    }
}
