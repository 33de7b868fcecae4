//! A Redis that may be away. Whoever asks it has something else to do then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, RedisError};
use tokio::time::timeout;

/// How long an answer may take, the connection included.
const ANSWER: Duration = Duration::from_millis(250);
/// How long nobody asks after it failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a look at it may take.
const LOOK: Duration = Duration::from_secs(2);

/// One connection for all, made when it is first needed, and again whenever it was lost. Cheap to
/// clone.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    breaker: Arc<Breaker>,
}

impl Redis {
    /// Connects to nobody yet. Fails when the URL is none that Redis has; wants a runtime.
    pub fn open(url: &str) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(LOOK))
            .set_response_timeout(Some(LOOK))
            // The next caller is the retry.
            .set_number_of_retries(0);
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(Client::open(url)?, config)?,
            breaker: Arc::default(),
        })
    }

    /// What Redis answers, soon; `None` when it does not. While it is away one caller tries now and
    /// then, and all others get `None` at once.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        if !self.breaker.admits() {
            return None;
        }
        let mut connection = self.connection.clone();
        let answer = timeout(ANSWER, command.query_async(&mut connection)).await;
        let problem = match answer {
            Ok(Ok(answer)) => {
                if self.breaker.succeeded() {
                    tracing::info!("Redis answers again");
                }
                return Some(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if self.breaker.failed() {
            tracing::warn!(error = problem, "Redis does not answer; doing without it");
        }
        None
    }

    /// How long it takes to answer, or in a word what is wrong; whatever was so before.
    pub async fn look(&self) -> Result<Duration, &'static str> {
        let start = Instant::now();
        let mut connection = self.connection.clone();
        let ping = redis::cmd("PING");
        match timeout(LOOK, ping.query_async::<String>(&mut connection)).await {
            Ok(Ok(_)) => Ok(start.elapsed()),
            // Addresses are not for the public; the log has them.
            Ok(Err(error)) => {
                tracing::warn!(%error, "a look at Redis failed");
                Err("unavailable")
            }
            Err(_) => Err("timed out"),
        }
    }
}

/// Whether a Redis could be reached by this URL, such as `redis://:password@host:6379/0`.
pub fn check(url: &str) -> Result<(), RedisError> {
    Client::open(url).map(|_| ())
}

struct Breaker {
    start: Instant,
    /// In milliseconds since the start, when somebody may try; 0 while all is well.
    retry_at: AtomicU64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            retry_at: AtomicU64::new(0),
        }
    }
}

impl Breaker {
    /// Of those who come when it is time to try, the first does.
    fn admits(&self) -> bool {
        let retry_at = self.retry_at.load(Ordering::Relaxed);
        if retry_at == 0 {
            return true;
        }
        let (now, next) = self.clock();
        let swap = |next| {
            let (order, otherwise) = (Ordering::Relaxed, Ordering::Relaxed);
            let swapped = self
                .retry_at
                .compare_exchange(retry_at, next, order, otherwise);
            swapped.is_ok()
        };
        now >= retry_at && swap(next)
    }

    /// Whether it was open.
    fn succeeded(&self) -> bool {
        self.retry_at.swap(0, Ordering::Relaxed) != 0
    }

    /// Whether it was closed.
    fn failed(&self) -> bool {
        let (_, next) = self.clock();
        self.retry_at.swap(next, Ordering::Relaxed) == 0
    }

    /// Now, and after a pause.
    fn clock(&self) -> (u64, u64) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = self.start.elapsed();
        (millis(now), millis(now + PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tries_after_a_pause() {
        let long_ago = Instant::now().checked_sub(PAUSE * 3).unwrap();
        let breaker = Breaker {
            start: long_ago,
            ..Breaker::default()
        };
        assert!(breaker.admits() && breaker.admits());
        assert!(!breaker.succeeded());
        assert!(breaker.failed(), "it is news");
        assert!(!breaker.failed(), "it was known");
        assert!(!breaker.admits());
        // The pause is over.
        breaker.retry_at.store(1, Ordering::Relaxed);
        let admitted = (0..5).filter(|_| breaker.admits()).count();
        assert_eq!(admitted, 1);
        assert!(breaker.succeeded(), "it is news");
        assert!(breaker.admits() && breaker.admits());
    }

    #[tokio::test]
    async fn nobody_waits_for_one_that_is_away() {
        // Nobody listens at port 1.
        let redis = Redis::open("redis://127.0.0.1:1/").unwrap();
        let ping = redis::cmd("PING");
        assert_eq!(redis.ask::<String>(&ping).await, None);
        assert!(!redis.breaker.admits());
        assert_eq!(redis.look().await, Err("unavailable"));
        assert!(Redis::open("http://127.0.0.1/").is_err());
    }
}
