//! Chunks on their way: some are written while the next one is read.

use std::collections::{HashSet, VecDeque};
use std::hash::RandomState;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use super::Report;
use super::land::{Chunk, Landed, Lander};

/// Chunks that are written at the same time.
const MOST: usize = 3;

pub struct Flight {
    lander: Arc<Lander>,
    hasher: RandomState,
    /// In the order of the file, each with the SKUs that it writes.
    under_way: VecDeque<(AbortOnDropHandle<Landed>, HashSet<u64>)>,
}

impl Flight {
    pub fn new(lander: Lander) -> Self {
        Self {
            lander: Arc::new(lander),
            hasher: RandomState::new(),
            under_way: VecDeque::new(),
        }
    }

    /// Waits for those before it where their order matters: records of one SKU must land in the
    /// order of the file, and categories be made once.
    pub async fn start(&mut self, chunk: Chunk, report: &mut Report) -> Result<(), sqlx::Error> {
        let skus = chunk.skus(&self.hasher);
        let waits_for_all = self.lander.is_first_to_name(&chunk);
        while self.under_way.len() >= MOST
            || waits_for_all && !self.under_way.is_empty()
            || self
                .under_way
                .iter()
                .any(|(_, others)| !others.is_disjoint(&skus))
        {
            self.land_next(report).await?;
        }
        let lander = Arc::clone(&self.lander);
        let landing = tokio::spawn(async move { lander.land(chunk).await });
        self.under_way
            .push_back((AbortOnDropHandle::new(landing), skus));
        Ok(())
    }

    /// All that are under way. The first failure is told when all have ended.
    pub async fn land(&mut self, report: &mut Report) -> Result<(), sqlx::Error> {
        let mut result = Ok(());
        while !self.under_way.is_empty() {
            result = result.and(self.land_next(report).await);
        }
        result
    }

    async fn land_next(&mut self, report: &mut Report) -> Result<(), sqlx::Error> {
        let Some((landing, _)) = self.under_way.front_mut() else {
            return Ok(());
        };
        let landed = landing.await;
        self.under_way.pop_front();
        // A task ends early only when it panics or its runtime stops.
        let landed = landed.map_err(|_| sqlx::Error::WorkerCrashed)?;
        report.imported += landed.imported;
        report.updated += landed.updated;
        report.reject(landed.rejected);
        landed.failed.map_or(Ok(()), Err)
    }
}
