//! What becomes of an order after it is placed.

use std::time::{Duration, Instant};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use garde::Validate;
use platform::auth::Caller;
use platform::problem::ProblemDocument;
use platform::{Id, Problem, RequestContext, body};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::visible;
use crate::Module;
use crate::events;
use crate::order::{Order, Status};
use crate::store::{self, Change};

#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelOrder {
    #[garde(inner(length(chars, max = 500)))]
    #[schema(max_length = 500, example = "changed my mind")]
    reason: Option<String>,
}

#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepOrder {
    /// What the step is known by elsewhere, such as the number of a payment or a parcel; kept in
    /// the order's history. No control characters.
    #[garde(inner(length(chars, min = 1, max = 200), custom(printable)))]
    #[schema(min_length = 1, max_length = 200, example = "JD0146 0000 0285")]
    reference: Option<String>,
}

/// How long the answer waits for the stock to have followed.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a shipment waits for products to confirm the stock; at most half of what is left of
/// the request's time.
const CONFIRMATION_PATIENCE: Duration = Duration::from_secs(2);

/// Cancel an order
///
/// Gives the stock back, once, however often it is called.
#[utoipa::path(
    tag = "orders",
    params(("id" = Uuid, Path)),
    request_body = Option<CancelOrder>,
    responses(
        (status = 200, description = "The cancelled order", body = Order),
        (status = 409, description = "`not_cancellable`: it is shipped", body = ProblemDocument),
    ),
)]
#[post("/orders/{id}/cancel")]
pub async fn cancel_order(
    module: web::Data<Module>,
    caller: Caller,
    cx: RequestContext,
    Id(id): Id,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let order = visible(store::by_id(module.pool(), id).await?, &caller)?;
    let request: CancelOrder = body::optional(&http, payload).await?;
    let cancel = Change {
        reason: request.reason.as_deref(),
        cause: Some(cx.trace),
        ..Change::to(Status::Cancelled)
    };
    carry_out(&module, order, cancel, &cx).await
}

/// `handler "path" status: what it is worth`, for admins.
macro_rules! steps {
    ($($(#[$doc:meta])* $handler:ident $path:tt $status:ident;)*) => {
        $(
            $(#[$doc])*
            #[utoipa::path(
                tag = "orders",
                params(("id" = Uuid, Path)),
                request_body = Option<StepOrder>,
                responses(
                    (status = 200, description = "The order, also when it was there before", body = Order),
                    (status = 409, description = "`invalid_transition`: it is at another step", body = ProblemDocument),
                ),
            )]
            #[post($path)]
            pub async fn $handler(
                module: web::Data<Module>,
                caller: Caller,
                cx: RequestContext,
                Id(id): Id,
                http: HttpRequest,
                payload: web::Payload,
            ) -> Result<HttpResponse, Problem> {
                step(&module, Status::$status, &caller, &cx, id, (http, payload)).await
            }
        )*
    };
}

steps! {
    /// Record that an order is paid
    ///
    /// It no longer expires. Again in the same status, nothing changes.
    pay_order "/orders/{id}/pay" Paid;

    /// Record that an order is shipped
    ///
    /// Its stock is neither reserved nor on hand any more. While the stock is not confirmed the
    /// answer is 503, and worth trying again. Again in the same status, nothing changes.
    ship_order "/orders/{id}/ship" Shipped;

    /// Record that an order is delivered
    ///
    /// Again in the same status, nothing changes.
    deliver_order "/orders/{id}/deliver" Delivered;
}

async fn step(
    module: &Module,
    to: Status,
    caller: &Caller,
    cx: &RequestContext,
    id: Uuid,
    (http, payload): (HttpRequest, web::Payload),
) -> Result<HttpResponse, Problem> {
    let order = visible(store::by_id(module.pool(), id).await?, caller)?;
    if !caller.is_admin() {
        return Err(Problem::forbidden());
    }
    let request: StepOrder = body::optional(&http, payload).await?;
    let change = Change {
        reference: request.reference.as_deref(),
        cause: Some(cx.trace),
        ..Change::to(to)
    };
    carry_out(module, order, change, cx).await
}

async fn carry_out(
    module: &Module,
    order: Order,
    change: Change<'_>,
    cx: &RequestContext,
) -> Result<HttpResponse, Problem> {
    let now = Instant::now();
    let left = cx.deadline.saturating_duration_since(now);
    let patience_ends = now + CONFIRMATION_PATIENCE.min(left / 2);
    let changed = module.change(order, change, patience_ends).await?;
    // It is done, whatever becomes of the waiting.
    if changed.now
        && change.to.moves_stock()
        && let Err(error) = module
            .outbox
            .settle(events::PRODUCTS, changed.order.id, PATIENCE)
            .await
    {
        tracing::warn!(%error, "could not see whether the stock has followed");
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(changed.order))
}

fn printable(text: &str, _: &()) -> garde::Result {
    if text.chars().any(char::is_control) {
        return Err(garde::Error::new("must not hold control characters"));
    }
    Ok(())
}
