use std::time::Instant;

use platform::trace::Context;
use uuid::Uuid;

use crate::Module;
use crate::error::ChangeError;
use crate::events;
use crate::order::{Order, Status, Step};
use crate::store::{Change, Reached, by_id, transition};

pub struct Changed {
    pub order: Order,
    /// It was not in this status before.
    pub now: bool,
}

impl Module {
    /// Takes an order a step further. One that is there already stays as it is. When products has
    /// yet to confirm the stock that is to leave, waits for it until `patience_ends`.
    pub(crate) async fn change(
        &self,
        mut order: Order,
        change: Change<'_>,
        patience_ends: Instant,
    ) -> Result<Changed, ChangeError> {
        let mut waited = false;
        loop {
            if order.status == change.to {
                return Ok(Changed { order, now: false });
            }
            if !change.from.contains(&order.status) {
                return Err(ChangeError::OutOfOrder {
                    from: order.status,
                    to: change.to,
                });
            }
            if let Some(reached) = transition(&self.outbox, order.key(), change).await? {
                self.outbox.wake();
                self.watchers.changed(order.id);
                let order = match after(order, change, &reached) {
                    Ok(order) => order,
                    Err(id) => self.read(id).await?,
                };
                return Ok(Changed { order, now: true });
            }
            let before = order.status;
            order = self.read(order.id).await?;
            if order.status == before {
                if waited {
                    return Err(self.why_unconfirmed(order.id).await?);
                }
                self.outbox.wake();
                let patience = patience_ends.saturating_duration_since(Instant::now());
                self.outbox
                    .settle(events::PRODUCTS, order.id, patience)
                    .await?;
                waited = true;
            }
        }
    }

    /// Cancels an order that may still be cancelled; its stock follows by event. `false` when it
    /// was cancelled before, or is past cancelling.
    pub(crate) async fn cancel_order(
        &self,
        order_id: Uuid,
        reason: Option<&str>,
        cause: Option<Context>,
    ) -> Result<bool, sqlx::Error> {
        let Some(order) = by_id(&self.pool, order_id).await? else {
            return Ok(false);
        };
        let cancel = Change {
            reason,
            cause,
            ..Change::to(Status::Cancelled)
        };
        match self.change(order, cancel, Instant::now()).await {
            Ok(changed) => Ok(changed.now),
            Err(ChangeError::Database(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    async fn why_unconfirmed(&self, order_id: Uuid) -> Result<ChangeError, sqlx::Error> {
        if !self.outbox.is_parked(events::PRODUCTS, order_id).await? {
            return Ok(ChangeError::StockUnconfirmed);
        }
        tracing::warn!(%order_id, "an order cannot be shipped before its parked event is replayed");
        Ok(ChangeError::EventParked)
    }

    /// An order that is known to exist.
    async fn read(&self, id: Uuid) -> Result<Order, sqlx::Error> {
        let order = by_id(&self.pool, id).await?;
        order.ok_or(sqlx::Error::RowNotFound)
    }
}

/// The order with its new step, unless there are others that were not read with it.
fn after(mut order: Order, change: Change<'_>, reached: &Reached) -> Result<Order, Uuid> {
    if usize::try_from(reached.step) != Ok(order.history.len() + 1) {
        return Err(order.id);
    }
    order.status = change.to;
    order.updated_at = reached.at;
    order.history.push(Step {
        status: change.to,
        at: reached.at,
        reason: change.reason.map(str::to_owned),
        reference: change.reference.map(str::to_owned),
    });
    Ok(order)
}
