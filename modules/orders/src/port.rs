//! The module as other modules see it.

use async_trait::async_trait;
use platform::{db, inbox};
use ports::events::EventBody;
use ports::{CallContext, Event, Failure, Never, Orders, PortResult};

use crate::{Module, erasure};

#[async_trait]
impl Orders for Module {
    async fn handle(&self, cx: CallContext, event: Event) -> PortResult<(), Never> {
        let handled = tokio::time::timeout_at(cx.deadline.into(), self.handle_once(&event));
        match handled.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(noticed(&error, &cx).into()),
            Err(_) => Err(Failure::Timeout.into()),
        }
    }
}

impl Module {
    async fn handle_once(&self, event: &Event) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        if !inbox::first_time(&mut tx, event.id).await? {
            return Ok(());
        }
        if let EventBody::UserDeleted(deleted) = &event.body {
            erasure::erase(&mut tx, deleted.user_id).await?;
        }
        tx.commit().await
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
