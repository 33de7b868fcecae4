//! Answers of both sides, compared.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Comparisons under way at most; reads beyond are not shadowed.
const IN_FLIGHT_MOST: usize = 32;
/// Differences kept.
const LAST: usize = 20;
/// Of an answer that differs, in characters.
const SHOWN: usize = 500;

/// What shadowing found since it began.
pub struct Shadow {
    module: &'static str,
    found: Mutex<ShadowReport>,
    in_flight: Arc<Semaphore>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShadowReport {
    pub compared: u64,
    pub differed: u64,
    /// The peer could not be asked, so there was nothing to compare.
    pub unanswered: u64,
    /// The last differences, newest first.
    pub last: VecDeque<Difference>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// `products.snapshot`, or `GET /api/v1/products/…`.
    pub call: String,
    pub request_id: String,
    /// The two answers, cut short.
    pub local: String,
    pub remote: String,
}

impl Shadow {
    pub(super) fn new(module: &'static str) -> Self {
        Self {
            module,
            found: Mutex::default(),
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_MOST)),
        }
    }

    /// Leave for one comparison, to be held until its end.
    pub fn begin(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.in_flight).try_acquire_owned().ok()
    }

    pub fn agreed(&self) {
        self.with(|found| found.compared += 1);
    }

    pub fn unanswered(&self) {
        self.with(|found| found.unanswered += 1);
    }

    pub fn differed(&self, call: String, request_id: &str, local: &str, remote: &str) {
        tracing::warn!(
            module = self.module,
            call,
            request_id,
            "the peer answers differently"
        );
        let difference = Difference {
            at: OffsetDateTime::now_utc(),
            call,
            request_id: request_id.to_owned(),
            local: local.chars().take(SHOWN).collect(),
            remote: remote.chars().take(SHOWN).collect(),
        };
        self.with(|found| {
            found.compared += 1;
            found.differed += 1;
            found.last.truncate(LAST - 1);
            found.last.push_front(difference);
        });
    }

    pub fn report(&self) -> ShadowReport {
        self.with(|found| found.clone())
    }

    pub(super) fn reset(&self) {
        self.with(|found| *found = ShadowReport::default());
    }

    fn with<T>(&self, look: impl FnOnce(&mut ShadowReport) -> T) -> T {
        look(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
