//! Events as Redis Streams, one stream for each module; the door for other systems.
//!
//! An entry has the fields `id`, `type`, `occurred_at` (RFC 3339), `aggregate_id` and `data` (JSON),
//! all text. `XADD` is at least once: an answer that is lost has the event sent again.

use std::time::Duration;

use async_trait::async_trait;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::streams::StreamMaxlen;
use redis::{AsyncCommands, Client, RedisError};

use crate::outbox::{Deliver, Delivery, Undelivered};

const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(2);

/// A Redis that is connected to when the first event goes there, and again whenever it was away.
#[derive(Clone)]
pub struct Stream {
    connection: ConnectionManager,
    length: usize,
}

impl Stream {
    /// Each stream keeps about `length` entries. Fails when the URL is none that Redis has.
    pub fn open(url: &str, length: usize) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER))
            // The relay tries again by itself.
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(Client::open(url)?, config)?;
        Ok(Self { connection, length })
    }

    pub(crate) fn of(&self, module: &str) -> ModuleStream {
        ModuleStream {
            stream: self.clone(),
            key: key(module),
        }
    }

    /// The version of the Redis that answers.
    pub async fn look(&self) -> Result<String, RedisError> {
        let mut connection = self.connection.clone();
        let info: String = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await?;
        let version = info
            .lines()
            .find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or("unknown").to_owned())
    }
}

/// Where a module's events go.
pub fn key(module: &str) -> String {
    format!("cleave:events:{module}")
}

pub(crate) struct ModuleStream {
    stream: Stream,
    key: String,
}

#[async_trait]
impl Deliver for ModuleStream {
    /// Nothing that Redis answers is the event's fault, so that it waits, however long.
    async fn deliver(&self, delivery: &Delivery) -> Result<(), Undelivered> {
        let mut connection = self.stream.connection.clone();
        let most = StreamMaxlen::Approx(self.stream.length);
        let fields = fields(delivery);
        let added: Result<Option<String>, RedisError> =
            connection.xadd_maxlen(&self.key, most, "*", &fields).await;
        match added {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, stream = self.key, "Redis did not take an event");
                Err(Undelivered::Unavailable)
            }
        }
    }
}

fn fields(delivery: &Delivery) -> [(&'static str, String); 5] {
    let text = |member: &str| {
        delivery.event[member]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    [
        ("id", delivery.event_id.to_string()),
        ("type", text("type")),
        ("occurred_at", text("occurred_at")),
        ("aggregate_id", delivery.aggregate_id.to_string()),
        ("data", delivery.event["data"].to_string()),
    ]
}
