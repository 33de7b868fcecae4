//! The module as other modules see it.

use async_trait::async_trait;
use platform::{db, inbox, outbox};
use ports::audit::Audit;
use ports::events::EventBody;
use ports::orders::{OrderBooks, RetellRequest};
use ports::{CallContext, Event, Failure, Never, Orders, PortResult};

use crate::{Module, audit, erasure};

#[async_trait]
impl Orders for Module {
    async fn handle(&self, cx: CallContext, event: Event) -> PortResult<(), Never> {
        let told = outbox::process(cx.trace, event.body.name(), event.id);
        let handled = db::span(told.context(), "handle event").over(self.handle_once(&event));
        Ok(within(&cx, told.over(handled)).await?)
    }

    async fn audit(&self, cx: CallContext, request: Audit) -> PortResult<OrderBooks, Never> {
        Ok(within(&cx, audit::books(&self.pool, &request)).await?)
    }

    async fn retell(&self, cx: CallContext, request: RetellRequest) -> PortResult<(), Never> {
        within(&cx, audit::retell(&self.pool, &request.order_ids)).await?;
        self.outbox.wake();
        Ok(())
    }
}

impl Module {
    async fn handle_once(&self, event: &Event) -> Result<(), sqlx::Error> {
        let mut tx = db::begin(&self.pool).await?;
        if !inbox::first_time(&mut tx, event.id).await? {
            return Ok(());
        }
        if let EventBody::UserDeleted(deleted) = &event.body {
            // More than one transaction may do, and no harm the second time: remembered at last.
            tx.rollback().await?;
            erasure::erase(&self.pool, deleted.user_id).await?;
            tx = db::begin(&self.pool).await?;
            inbox::first_time(&mut tx, event.id).await?;
        }
        tx.commit().await
    }
}

/// Runs a use case within the caller's deadline.
async fn within<T>(
    cx: &CallContext,
    use_case: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout_at(cx.deadline.into(), use_case).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(noticed(&error, cx)),
        Err(_) => Err(Failure::Timeout),
    }
}

fn noticed(error: &sqlx::Error, cx: &CallContext) -> Failure {
    tracing::warn!(%error, request_id = cx.request_id, "the database did not serve a call");
    match db::failure(error) {
        db::Failure::Unavailable | db::Failure::Contention => Failure::Unavailable,
        db::Failure::Timeout => Failure::Timeout,
        db::Failure::Internal => Failure::Internal,
    }
}
