use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use garde::Validate;
use platform::auth::Caller;
use platform::problem::ProblemDocument;
use platform::{Body, Problem, RequestContext};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Module;
use crate::order::Order;
use crate::place::Placed;
use crate::request::{QUANTITY_MOST, Request, merge_lines};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// Lines that name the same product are added up.
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<PlaceOrderItem>,
    #[garde(inner(length(chars, max = 1000)))]
    #[schema(max_length = 1000)]
    note: Option<String>,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderItem {
    #[garde(skip)]
    product_id: Uuid,
    #[garde(range(min = 1, max = QUANTITY_MOST))]
    #[schema(minimum = 1, maximum = 1_000_000, example = 2)]
    quantity: i64,
}

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const IDEMPOTENT_REPLAYED: &str = "Idempotent-Replayed";

/// Place an order
///
/// All items or none. Prices are the shop's. With an `Idempotency-Key`, repeating the request
/// answers the order that it placed the first time.
#[utoipa::path(
    tag = "orders",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header,
            description = "1 to 255 printable ASCII characters of the caller's choice")),
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "Placed", body = Order,
         headers(("Location" = String, description = "Path of the order"))),
        (status = 200, description = "A replay: the order as it stands now", body = Order,
         headers(("Idempotent-Replayed" = bool, description = "Always `true`"))),
        (status = 400, description = "`malformed_json`, `empty_body`", body = ProblemDocument),
        (status = 401, description = "`missing_token`, `invalid_token`", body = ProblemDocument),
        (status = 409, description = "`insufficient_stock`, with `products: [{product_id, requested, available}]`", body = ProblemDocument),
        (status = 413, description = "`body_too_large`", body = ProblemDocument),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument),
        (status = 422, description = "`validation_failed`, `unknown_product`, `idempotency_key_reused`", body = ProblemDocument),
        (status = 503, description = "`unavailable`, `deadline_exceeded`", body = ProblemDocument),
    ),
)]
#[post("/orders")]
pub async fn place_order(
    module: web::Data<Module>,
    caller: Caller,
    cx: RequestContext,
    http: HttpRequest,
    body: Body<PlaceOrder>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let lines = body
        .items
        .iter()
        .map(|item| (item.product_id, item.quantity));
    let request = Request {
        user_id: caller.user_id,
        lines: merge_lines(lines)?,
        note: body.note,
        idempotency_key: idempotency_key(&http)?,
    };
    let placed = module.into_inner().place(request, &cx).await?;
    Ok(answer(placed))
}

fn answer(placed: Placed) -> HttpResponse {
    let mut response = if placed.replayed {
        let mut response = HttpResponse::Ok();
        response.insert_header((IDEMPOTENT_REPLAYED, "true"));
        response
    } else {
        let mut response = HttpResponse::Created();
        let location = format!("/api/v1/orders/{}", placed.order.id);
        response.insert_header((header::LOCATION, location));
        response
    };
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(placed.order)
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let printable = |key: &&str| {
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    };
    match value.to_str().ok().filter(printable) {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(Problem::invalid_field(
            IDEMPOTENCY_KEY,
            "must be 1 to 255 printable ASCII characters",
        )),
    }
}
