//! Placing an order: hold, then order; see ARCHITECTURE.md.

use std::sync::Arc;
use std::time::Duration;

use platform::RequestContext;
use ports::products::{ReleaseRequest, Reservation, ReserveLine, ReserveRejection, ReserveRequest};
use ports::users::{AddressRejection, AddressRequest};
use ports::{CallContext, Money, PortError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::erasure::is_erased;
use crate::error::PlaceError;
use crate::order::{Item, Order, ShippingAddress, Status, Step, random_number};
use crate::request::{Request, Source};
use crate::store::{NewOrder, by_key, cart, insert};
use crate::{Module, call_context};

pub struct Placed {
    pub order: Order,
    /// The order was there already, placed with the same key.
    pub replayed: bool,
}

/// Order numbers are random; this many collisions in a row do not happen.
const NUMBER_ATTEMPTS: u32 = 4;
/// A cart that changes while it is ordered is ordered as it then is, so many times.
const CART_ATTEMPTS: u32 = 4;
const RELEASE_BUDGET: Duration = Duration::from_secs(2);

impl Module {
    /// Places an order, or finds the one that the same key placed before. One from the cart takes
    /// exactly what it ordered out of it, in the statement that stores it. It runs to its end even
    /// when the client goes away, so that no hold is left without its order.
    pub async fn place(
        self: &Arc<Self>,
        request: Request,
        cx: &RequestContext,
    ) -> Result<Placed, PlaceError> {
        let cx = call_context(cx, request.user_id);
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
        if request.source == Source::Body {
            return self.place_once(&request, &cx).await;
        }
        for _ in 0..CART_ATTEMPTS {
            let lines = cart::lines(&self.pool, request.user_id).await?;
            match self.place_once(&of_cart(&request, lines), &cx).await {
                Err(PlaceError::CartChanged) => {}
                end => return end,
            }
        }
        Err(PlaceError::CartChanged)
    }

    async fn place_once(&self, request: &Request, cx: &CallContext) -> Result<Placed, PlaceError> {
        let hash = request.hash();
        // After the cart was read: what has emptied it is to be found now.
        if let Some(placed) = self.replay(request, &hash).await? {
            return Ok(placed);
        }
        if request.lines.is_empty() {
            return Err(PlaceError::EmptyCart);
        }
        let address = self.shipping_address(request, cx).await?;
        let reservation_id = request.reservation_id(&hash);
        let reservation = match self.reserve(request, reservation_id, cx).await {
            Ok(reservation) => reservation,
            // The order of this key was placed, or came and went, while this request was on its way.
            Err(PortError::Rejected(rejection)) => {
                return match (self.replay(request, &hash).await?, rejection) {
                    (Some(placed), _) => Ok(placed),
                    (None, ReserveRejection::ReservationClosed) => {
                        Err(self.nothing_stored(request).await?)
                    }
                    (None, rejection) => Err(refusal(PortError::Rejected(rejection))),
                };
            }
            Err(error) => return Err(refusal(error)),
        };
        platform::fail_point!("orders.held");
        match self.record(request, &hash, reservation, address, cx).await {
            Ok(Some(order)) => {
                platform::fail_point!("orders.stored");
                self.outbox.wake();
                Ok(Placed {
                    order,
                    replayed: false,
                })
            }
            Ok(None) => self.lost_the_race(request, &hash, reservation_id, cx).await,
            Err(error) => {
                if nobody_needs_the_hold(request, &error) {
                    self.release(reservation_id, cx).await;
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

    async fn shipping_address(
        &self,
        request: &Request,
        cx: &CallContext,
    ) -> Result<Option<ShippingAddress>, PlaceError> {
        let Some(address_id) = request.shipping_address_id else {
            return Ok(None);
        };
        let asked = AddressRequest {
            user_id: request.user_id,
            address_id,
        };
        match self.users.address(cx.clone(), asked).await {
            Ok(address) => Ok(Some(address.into())),
            Err(PortError::Rejected(AddressRejection::UnknownAddress)) => {
                Err(PlaceError::UnknownAddress)
            }
            Err(PortError::Failed(failure)) => Err(PlaceError::Users(failure)),
        }
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
            self.release(reservation_id, cx).await;
        }
        answer
    }

    /// Stores the order; `None` when another request with the same key did so first, when the cart
    /// is not what it was, or when nothing may be stored for this person any more.
    async fn record(
        &self,
        request: &Request,
        hash: &[u8],
        reservation: Reservation,
        address: Option<ShippingAddress>,
        cx: &CallContext,
    ) -> Result<Option<Order>, PlaceError> {
        let mut order = self.order_of(request, reservation)?;
        order.shipping_address = address;
        let mut attempts_left = NUMBER_ATTEMPTS;
        loop {
            let new = NewOrder {
                order: &order,
                idempotency: request.idempotency_key.as_deref().map(|key| (key, hash)),
                bought: request.source.revisions(),
                cause: cx.trace,
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
            shipping_address: None,
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
    /// unless the bodies differ, or it read another cart. Or the cart has changed meanwhile, or the
    /// account was deleted.
    async fn lost_the_race(
        &self,
        request: &Request,
        hash: &[u8],
        reservation_id: Uuid,
        cx: &CallContext,
    ) -> Result<Placed, PlaceError> {
        match self.replay(request, hash).await {
            Ok(Some(placed)) => {
                if placed.order.reservation_id != reservation_id {
                    self.release(reservation_id, cx).await;
                }
                Ok(placed)
            }
            Ok(None) if request.idempotency_key.is_none() => {
                self.release(reservation_id, cx).await;
                Err(self.nothing_stored(request).await?)
            }
            Ok(None) => {
                let why = self.nothing_stored(request).await?;
                // Of a deleted account the hold may also be that of an order which is there.
                if matches!(why, PlaceError::CartChanged) {
                    self.release(reservation_id, cx).await;
                }
                Err(why)
            }
            Err(PlaceError::KeyReused) => {
                self.release(reservation_id, cx).await;
                Err(PlaceError::KeyReused)
            }
            Err(error) => Err(error),
        }
    }

    /// Why there is neither a new order nor the one of another request.
    async fn nothing_stored(&self, request: &Request) -> Result<PlaceError, sqlx::Error> {
        let erased = is_erased(&self.pool, request.user_id).await?;
        Ok(match (&request.source, erased) {
            (_, true) => PlaceError::AccountDeleted,
            (Source::Cart { .. }, false) => PlaceError::CartChanged,
            (Source::Body, false) => PlaceError::Interrupted,
        })
    }

    /// Gives a hold back now rather than when it expires; best effort.
    async fn release(&self, reservation_id: Uuid, cx: &CallContext) {
        let cx = CallContext::system(&*cx.request_id, RELEASE_BUDGET).traced(cx.trace);
        let release = ReleaseRequest { reservation_id };
        if let Err(error) = self.products.release(cx, release).await {
            tracing::warn!(%reservation_id, ?error, "a hold is left to expire");
        }
    }
}

/// The request for what is in the cart now.
fn of_cart(request: &Request, mut lines: Vec<cart::Line>) -> Request {
    lines.sort_unstable_by_key(|line| line.product_id);
    let line = |line: &cart::Line| ReserveLine {
        product_id: line.product_id,
        quantity: line.quantity,
    };
    Request {
        lines: lines.iter().map(line).collect(),
        source: Source::Cart {
            revisions: lines.iter().map(|line| line.revision).collect(),
        },
        ..request.clone()
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
