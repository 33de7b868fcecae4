//! Placing an order: hold, then order; see ARCHITECTURE.md.

use std::sync::Arc;
use std::time::Duration;

use platform::RequestContext;
use ports::products::{ReleaseRequest, Reservation, ReserveRejection, ReserveRequest};
use ports::{CallContext, Money, PortError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Module;
use crate::erasure::is_erased;
use crate::error::PlaceError;
use crate::order::{Item, Order, Status, Step, random_number};
use crate::request::Request;
use crate::store::{NewOrder, by_key, insert};

pub struct Placed {
    pub order: Order,
    /// The order was there already, placed with the same key.
    pub replayed: bool,
}

/// Order numbers are random; this many collisions in a row do not happen.
const NUMBER_ATTEMPTS: u32 = 4;
const RELEASE_BUDGET: Duration = Duration::from_secs(2);

impl Module {
    /// Places an order, or finds the one that the same key placed before. It runs to its end even
    /// when the client goes away, so that no hold is left without its order.
    pub async fn place(
        self: &Arc<Self>,
        request: Request,
        cx: &RequestContext,
    ) -> Result<Placed, PlaceError> {
        let cx = CallContext {
            deadline: cx.deadline,
            request_id: cx.request_id.clone(),
            caller: Some(request.user_id),
            traceparent: Some(cx.traceparent.clone()),
        };
        let module = Arc::clone(self);
        let span = tracing::Span::current();
        let placing = async move { module.place_to_the_end(request, cx).await };
        self.placements
            .spawn(tracing::Instrument::instrument(placing, span))
            .await
            .map_err(|error| {
                tracing::error!(%error, "placing an order ended abnormally");
                PlaceError::Interrupted
            })?
    }

    async fn place_to_the_end(
        &self,
        request: Request,
        cx: CallContext,
    ) -> Result<Placed, PlaceError> {
        let hash = request.hash();
        if let Some(placed) = self.replay(&request, &hash).await? {
            return Ok(placed);
        }
        let reservation_id = request.reservation_id(&hash);
        let reservation = match self.reserve(&request, reservation_id, &cx).await {
            Ok(reservation) => reservation,
            // The order of this key was placed, or came and went, while this request was on its way.
            Err(PortError::Rejected(rejection)) => {
                return match (self.replay(&request, &hash).await?, rejection) {
                    (Some(placed), _) => Ok(placed),
                    (None, ReserveRejection::ReservationClosed) => {
                        Err(self.nothing_stored(request.user_id).await?)
                    }
                    (None, rejection) => Err(refusal(PortError::Rejected(rejection))),
                };
            }
            Err(error) => return Err(refusal(error)),
        };
        platform::fail_point!("orders.held");
        match self.record(&request, &hash, reservation).await {
            Ok(Some(order)) => {
                platform::fail_point!("orders.stored");
                self.outbox.wake();
                Ok(Placed {
                    order,
                    replayed: false,
                })
            }
            Ok(None) => self.lost_the_race(&request, &hash, reservation_id).await,
            Err(error) => {
                if nobody_needs_the_hold(&request, &error) {
                    self.release(reservation_id, &cx.request_id).await;
                }
                Err(error)
            }
        }
    }

    async fn replay(&self, request: &Request, hash: &[u8]) -> Result<Option<Placed>, PlaceError> {
        let Some(key) = &request.idempotency_key else {
            return Ok(None);
        };
        let Some(stored) = by_key(&self.pool, request.user_id, key).await? else {
            return Ok(None);
        };
        if stored.request_hash.as_deref() != Some(hash) {
            return Err(PlaceError::KeyReused);
        }
        Ok(Some(Placed {
            order: stored.order,
            replayed: true,
        }))
    }

    async fn reserve(
        &self,
        request: &Request,
        reservation_id: Uuid,
        cx: &CallContext,
    ) -> Result<Reservation, PortError<ReserveRejection>> {
        let reserve = ReserveRequest {
            reservation_id,
            lines: request.lines.clone(),
        };
        let answer = self.products.reserve(cx.clone(), reserve).await;
        let unknown = answer.as_ref().is_err_and(PortError::outcome_unknown);
        if unknown && request.idempotency_key.is_none() {
            // Nobody can come back for this hold.
            self.release(reservation_id, &cx.request_id).await;
        }
        answer
    }

    /// Stores the order; `None` when another request with the same key did so first, or when nothing
    /// may be stored for this person any more.
    async fn record(
        &self,
        request: &Request,
        hash: &[u8],
        reservation: Reservation,
    ) -> Result<Option<Order>, PlaceError> {
        let mut order = self.order_of(request, reservation)?;
        let mut attempts_left = NUMBER_ATTEMPTS;
        loop {
            let new = NewOrder {
                order: &order,
                idempotency: request.idempotency_key.as_deref().map(|key| (key, hash)),
            };
            attempts_left -= 1;
            match insert(&self.outbox, new).await {
                Ok(None) => return Ok(None),
                Ok(Some(at)) => {
                    placed_at(&mut order, at);
                    return Ok(Some(order));
                }
                Err(error) if attempts_left > 0 && is_number_taken(&error) => {
                    order.number = random_number();
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn order_of(&self, request: &Request, reservation: Reservation) -> Result<Order, PlaceError> {
        let mut total = Money::new(0, self.config.currency);
        let mut items = Vec::with_capacity(reservation.lines.len());
        for line in reservation.lines {
            let line_total = line.unit_price.times(line.quantity);
            let sum = line_total.and_then(|line_total| total.plus(line_total));
            let (Some(line_total), Some(sum)) = (line_total, sum) else {
                return Err(PlaceError::TotalTooLarge);
            };
            total = sum;
            items.push(Item {
                product_id: line.product_id,
                sku: line.sku,
                name: line.name,
                quantity: line.quantity,
                unit_price: line.unit_price,
                line_total,
            });
        }
        let now = OffsetDateTime::now_utc();
        Ok(Order {
            id: Uuid::now_v7(),
            number: random_number(),
            user_id: request.user_id,
            status: Status::Placed,
            items,
            total,
            note: request.note.clone(),
            created_at: now,
            updated_at: now,
            history: vec![Step {
                status: Status::Placed,
                at: now,
                reason: None,
                reference: None,
            }],
            reservation_id: reservation.reservation_id,
        })
    }

    /// Another request with this key has stored its order meanwhile. The hold is that order's too,
    /// unless the bodies differ. Or the account was deleted meanwhile.
    async fn lost_the_race(
        &self,
        request: &Request,
        hash: &[u8],
        reservation_id: Uuid,
    ) -> Result<Placed, PlaceError> {
        match self.replay(request, hash).await {
            Ok(Some(placed)) => Ok(placed),
            Ok(None) => {
                // With a key the hold may also be that of an order which is there.
                if request.idempotency_key.is_none() {
                    self.release(reservation_id, "account deleted").await;
                }
                Err(self.nothing_stored(request.user_id).await?)
            }
            Err(PlaceError::KeyReused) => {
                self.release(reservation_id, "idempotency key reused").await;
                Err(PlaceError::KeyReused)
            }
            Err(error) => Err(error),
        }
    }

    /// Why there is neither a new order nor the one of another request.
    async fn nothing_stored(&self, user_id: Uuid) -> Result<PlaceError, sqlx::Error> {
        Ok(match is_erased(&self.pool, user_id).await? {
            true => PlaceError::AccountDeleted,
            false => PlaceError::Interrupted,
        })
    }

    /// Gives a hold back now rather than when it expires; best effort.
    async fn release(&self, reservation_id: Uuid, request_id: &str) {
        let cx = CallContext::system(request_id, RELEASE_BUDGET);
        let release = ReleaseRequest { reservation_id };
        if let Err(error) = self.products.release(cx, release).await {
            tracing::warn!(%reservation_id, ?error, "a hold is left to expire");
        }
    }
}

fn refusal(error: PortError<ReserveRejection>) -> PlaceError {
    match error {
        PortError::Failed(failure) => PlaceError::Products(failure),
        PortError::Rejected(ReserveRejection::InsufficientStock { products }) => {
            PlaceError::InsufficientStock(products)
        }
        PortError::Rejected(ReserveRejection::UnknownProducts { product_ids }) => {
            PlaceError::UnknownProducts(product_ids)
        }
        PortError::Rejected(ReserveRejection::ReservationClosed) => PlaceError::Interrupted,
    }
}

/// Whether the hold of an order that could not be stored may be given back before it expires. Not
/// when the answer was lost: the order may stand, and its event will look for the hold. Nor with a
/// key: the hold is also that of every other request with this key, and one may have its order.
fn nobody_needs_the_hold(request: &Request, error: &PlaceError) -> bool {
    match error {
        PlaceError::Database(_) if request.idempotency_key.is_some() => false,
        PlaceError::Database(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => true,
        PlaceError::Database(error) => error.as_database_error().is_some(),
        _ => true,
    }
}

fn is_number_taken(error: &sqlx::Error) -> bool {
    platform::db::constraint(error) == Some("orders_number_key")
}

/// The database's clock counts.
fn placed_at(order: &mut Order, at: OffsetDateTime) {
    order.created_at = at;
    order.updated_at = at;
    for step in &mut order.history {
        step.at = at;
    }
}
