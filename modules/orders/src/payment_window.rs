use std::sync::Arc;
use std::time::Duration;

use platform::trace::Context;
use rand::seq::SliceRandom;
use tokio_util::sync::CancellationToken;

use crate::Module;
use crate::order::{PAYMENT_WINDOW_EXPIRED, Status};
use crate::store::{Change, overdue, transition};

const BATCH: i64 = 200;
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(5);

/// Who pays at the same instant keeps the order: a paid one does not expire.
const EXPIRY: Change<'static> = Change {
    to: Status::Cancelled,
    from: &[Status::Placed],
    reason: Some(PAYMENT_WINDOW_EXPIRED),
    reference: None,
    cause: None,
};

impl Module {
    /// Cancels orders whose time to be paid is over, until `stop`. Any number of replicas may.
    pub async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        let Some(window) = self.config.payment_window else {
            return;
        };
        while !stop.is_cancelled() {
            let pause = match self.sweep_once(window, &stop).await {
                Ok(BATCH..) => continue,
                Ok(_) => PAUSE,
                Err(error) => {
                    tracing::warn!(%error, "could not cancel unpaid orders");
                    PAUSE_AFTER_ERROR
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
            }
        }
    }

    /// Tells how many were overdue.
    async fn sweep_once(
        &self,
        window: Duration,
        stop: &CancellationToken,
    ) -> Result<i64, sqlx::Error> {
        let mut orders = overdue(&self.pool, window, BATCH).await?;
        // Replicas see the same orders; at random they share them rather than queue for each.
        orders.shuffle(&mut rand::rng());
        let (mut seen, mut cancelled) = (0, 0);
        if !orders.is_empty() {
            platform::fail_point!("orders.overdue");
        }
        for order in orders {
            if stop.is_cancelled() {
                break;
            }
            seen += 1;
            // Nobody asked for it: a trace of its own.
            let expiry = Change {
                cause: Some(Context::root()),
                ..EXPIRY
            };
            if transition(&self.outbox, order, expiry).await?.is_some() {
                cancelled += 1;
                self.outbox.wake();
                self.watchers.changed(order.id);
            }
        }
        if cancelled > 0 {
            tracing::info!(orders = cancelled, "cancelled unpaid orders");
        }
        Ok(seen)
    }
}
