use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use garde::Validate;
use platform::auth::Caller;
use platform::problem::ProblemDocument;
use platform::{Body, Problem, RequestContext, body};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Module;
use crate::order::Order;
use crate::place::Placed;
use crate::request::{QUANTITY_MOST, Request, Source, merge_lines};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// Lines that name the same product are added up.
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<PlaceOrderItem>,
    /// One of the caller's addresses; the order keeps it as it is now.
    #[garde(skip)]
    #[serde(default, with = "uuid::serde::hyphenated::option")]
    shipping_address_id: Option<Uuid>,
    #[garde(inner(length(chars, max = 1000)))]
    #[schema(max_length = 1000)]
    note: Option<String>,
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderItem {
    #[garde(skip)]
    #[serde(with = "uuid::serde::hyphenated")]
    product_id: Uuid,
    #[garde(range(min = 1, max = QUANTITY_MOST))]
    #[schema(minimum = 1, maximum = 1_000_000, example = 2)]
    quantity: i64,
}

#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckOut {
    /// One of the caller's addresses; the order keeps it as it is now.
    #[garde(skip)]
    #[serde(default, with = "uuid::serde::hyphenated::option")]
    shipping_address_id: Option<Uuid>,
    #[garde(inner(length(chars, max = 1000)))]
    #[schema(max_length = 1000)]
    note: Option<String>,
}

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const IDEMPOTENT_REPLAYED: &str = "Idempotent-Replayed";

/// Place an order
///
/// All items or none. Prices are the shop's. With an `Idempotency-Key`, repeating the request
/// answers the order that it placed the first time.
#[utoipa::path(
    tag = "orders",
    params(("Idempotency-Key" = Option<String>, Header,
            description = "1 to 255 printable ASCII characters of the caller's choice")),
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "Placed", body = Order,
         headers(("Location" = String, description = "Path of the order"))),
        (status = 200, description = "A replay: the order as it stands now", body = Order,
         headers(("Idempotent-Replayed" = bool, description = "Always `true`"))),
        (status = 409, description = "`insufficient_stock`: with `products: [{product_id, requested, available}]`", body = ProblemDocument),
        (status = 422, description = "`unknown_product`: unknown, or not sold; `unknown_address`: `shipping_address_id` is none of the caller's; `idempotency_key_reused`: with another request", body = ProblemDocument),
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
    let named: Vec<Uuid> = body.items.iter().map(|item| item.product_id).collect();
    let request = Request {
        user_id: caller.user_id,
        lines: merge_lines(lines)?,
        source: Source::Body,
        shipping_address_id: body.shipping_address_id,
        note: body.note,
        idempotency_key: idempotency_key(&http)?,
    };
    let placed = module.into_inner().place(request, &cx).await;
    let placed = placed.map_err(|error| error.at_lines(&named))?;
    Ok(answer(placed))
}

/// Order what is in the cart
///
/// As to place an order of the cart's lines, which leave the cart with it; what is put in meanwhile
/// stays. With an `Idempotency-Key`, repeating the request answers the order that it placed the
/// first time, whatever is in the cart by then. Lines are charged what they cost now.
#[utoipa::path(
    tag = "orders",
    params(("Idempotency-Key" = Option<String>, Header,
            description = "1 to 255 printable ASCII characters of the caller's choice")),
    request_body = Option<CheckOut>,
    responses(
        (status = 201, description = "Placed", body = Order,
         headers(("Location" = String, description = "Path of the order"))),
        (status = 200, description = "A replay: the order as it stands now", body = Order,
         headers(("Idempotent-Replayed" = bool, description = "Always `true`"))),
        (status = 409, description = "`empty_cart`: there is nothing to order; `insufficient_stock`: with `products: [{product_id, requested, available}]`; `cart_changed`: again and again, nothing was ordered", body = ProblemDocument),
        (status = 422, description = "`unknown_product`: a line is no longer sold; `unknown_address`: `shipping_address_id` is none of the caller's; `idempotency_key_reused`: with another request", body = ProblemDocument),
    ),
)]
#[post("/cart/checkout")]
pub async fn check_out(
    module: web::Data<Module>,
    caller: Caller,
    cx: RequestContext,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body: CheckOut = body::optional(&http, payload).await?;
    let request = Request {
        user_id: caller.user_id,
        lines: Vec::new(),
        source: Source::Cart {
            revisions: Vec::new(),
        },
        shipping_address_id: body.shipping_address_id,
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
