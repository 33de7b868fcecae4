//! The module as other modules see it.

use std::future::Future;

use async_trait::async_trait;
use platform::db::{self, retry_contention};
use platform::{inbox, outbox};
use ports::audit::Audit;
use ports::products::{
    EventRejection, ProductSnapshot, ReleaseRequest, RepairRequest, Reservation, ReservationBooks,
    ReserveRejection, ReserveRequest, SnapshotRequest, StockBooks,
};
use ports::{CallContext, Event, EventBody, Failure, Never, PortError, PortResult, Products};

use crate::{Module, audit, catalogue, reservations};

#[async_trait]
impl Products for Module {
    async fn snapshot(
        &self,
        cx: CallContext,
        request: SnapshotRequest,
    ) -> PortResult<Vec<ProductSnapshot>, Never> {
        let snapshots = catalogue::read::snapshots(self.pool(), &request.product_ids);
        Ok(within(&cx, snapshots).await?)
    }

    async fn reserve(
        &self,
        cx: CallContext,
        request: ReserveRequest,
    ) -> PortResult<Reservation, ReserveRejection> {
        let hold = reservations::hold(self.pool(), &request, self.config.hold_ttl);
        let hold = db::span(cx.trace, "hold stock").over(hold);
        let held = within(&cx, hold).await?;
        platform::fail_point!("products.reserved");
        held.map_err(PortError::Rejected)
    }

    async fn release(&self, cx: CallContext, request: ReleaseRequest) -> PortResult<(), Never> {
        let release = reservations::release(self.pool(), request.reservation_id);
        Ok(within(&cx, release).await?)
    }

    async fn handle(&self, cx: CallContext, event: Event) -> PortResult<(), EventRejection> {
        let told = outbox::process(cx.trace, event.body.name(), event.id);
        let trace = told.context();
        let handled =
            retry_contention(|| db::span(trace, "handle event").over(self.handle_once(&event)));
        let handled = told.over(handled);
        within(&cx, handled).await?.map_err(PortError::Rejected)
    }

    async fn audit(&self, cx: CallContext, request: Audit) -> PortResult<ReservationBooks, Never> {
        Ok(within(&cx, audit::reservations(self.pool(), &request)).await?)
    }

    async fn audit_stock(&self, cx: CallContext, request: Audit) -> PortResult<StockBooks, Never> {
        Ok(within(&cx, audit::stock(self.pool(), &request)).await?)
    }

    async fn repair(&self, cx: CallContext, request: RepairRequest) -> PortResult<(), Never> {
        let repair = async {
            reservations::release_expired(self.pool(), &request.holds).await?;
            retry_contention(|| audit::repair(self.pool(), &request.product_ids)).await
        };
        Ok(within(&cx, repair).await?)
    }
}

impl Module {
    /// A refusal leaves no trace: the event may come again, and find stock.
    async fn handle_once(&self, event: &Event) -> Result<Result<(), EventRejection>, sqlx::Error> {
        let mut tx = db::begin(self.pool()).await?;
        if !inbox::first_time(&mut tx, event.id).await? {
            return Ok(Ok(()));
        }
        platform::fail_point!("products.heard");
        let answer = match &event.body {
            EventBody::OrderPlaced(placed) => reservations::placed(&mut tx, placed).await?,
            EventBody::OrderShipped(shipped) => reservations::shipped(&mut tx, shipped).await?,
            EventBody::OrderCancelled(cancelled) => {
                reservations::cancelled(&mut tx, cancelled).await?;
                Ok(())
            }
            _ => Ok(()),
        };
        platform::fail_point!("products.affected");
        if answer.is_ok() {
            tx.commit().await?;
            platform::fail_point!("products.handled");
        }
        Ok(answer)
    }
}

/// Runs a use case within the caller's deadline; what goes wrong is logged here, where it is seen.
async fn within<T>(
    cx: &CallContext,
    use_case: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Failure> {
    let error = match tokio::time::timeout_at(cx.deadline.into(), use_case).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error,
        Err(_) => {
            tracing::warn!(
                request_id = cx.request_id,
                "a call to products ran out of time"
            );
            return Err(Failure::Timeout);
        }
    };
    let failure = match platform::db::failure(&error) {
        platform::db::Failure::Unavailable | platform::db::Failure::Contention => {
            Failure::Unavailable
        }
        platform::db::Failure::Timeout => Failure::Timeout,
        platform::db::Failure::Internal => Failure::Internal,
    };
    tracing::warn!(request_id = cx.request_id, %error, ?failure, "a call to products failed");
    Err(failure)
}
