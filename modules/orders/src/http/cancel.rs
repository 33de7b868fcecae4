use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use garde::Validate;
use platform::Problem;
use platform::auth::Caller;
use platform::body;
use platform::problem::ProblemDocument;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::visible;
use crate::order::{Order, Status};
use crate::{Module, events, store};

#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelOrder {
    #[garde(inner(length(chars, max = 500)))]
    #[schema(max_length = 500, example = "changed my mind")]
    reason: Option<String>,
}

/// How long the answer waits for the stock to be back.
const PATIENCE: Duration = Duration::from_millis(500);

/// Cancel an order
///
/// Gives the stock back, once, however often it is called.
#[utoipa::path(
    tag = "orders",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    request_body = Option<CancelOrder>,
    responses(
        (status = 200, description = "The cancelled order", body = Order),
        (status = 400, description = "`malformed_json`", body = ProblemDocument),
        (status = 401, description = "`missing_token`, `invalid_token`", body = ProblemDocument),
        (status = 404, description = "`not_found`: unknown, or somebody else's", body = ProblemDocument),
        (status = 409, description = "`not_cancellable`: it is shipped", body = ProblemDocument),
        (status = 413, description = "`body_too_large`", body = ProblemDocument),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument),
        (status = 422, description = "`validation_failed`", body = ProblemDocument),
        (status = 503, description = "`unavailable`", body = ProblemDocument),
    ),
)]
#[post("/orders/{id}/cancel")]
pub async fn cancel_order(
    module: web::Data<Module>,
    caller: Caller,
    id: web::Path<Uuid>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let request = read_reason(&http, payload).await?;
    visible(store::by_id(module.pool(), *id).await?, &caller)?;
    let cancelled = module.cancel_order(*id, request.reason.as_deref()).await?;
    let order = visible(store::by_id(module.pool(), *id).await?, &caller)?;
    if order.status != Status::Cancelled {
        return Err(Problem::conflict(
            "not_cancellable",
            format!("The order is {}.", order.status.as_str()),
        ));
    }
    // It is cancelled, whatever becomes of the waiting.
    let settled = module.outbox.settle(events::PRODUCTS, *id, PATIENCE);
    if cancelled && let Err(error) = settled.await {
        tracing::warn!(%error, "could not see whether the stock is back");
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(order))
}

/// Every field is optional, and so is the body.
async fn read_reason(http: &HttpRequest, payload: web::Payload) -> Result<CancelOrder, Problem> {
    body::expect_media_type(http, &["application/json"])?;
    let bytes = body::read(http, payload).await?;
    if bytes.is_empty() {
        return Ok(CancelOrder::default());
    }
    body::parse(&bytes)
}
