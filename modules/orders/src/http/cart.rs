use actix_web::http::header;
use actix_web::{HttpResponse, delete, get, put, web};
use garde::Validate;
use platform::auth::Caller;
use platform::problem::ProblemDocument;
use platform::{Body, Id, Problem, RequestContext};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Module;
use crate::cart::Cart;
use crate::request::QUANTITY_MOST;

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutCartItem {
    /// 0 takes the line out.
    #[garde(range(min = 0, max = QUANTITY_MOST))]
    #[schema(minimum = 0, maximum = 1_000_000, example = 2)]
    quantity: i64,
}

/// Read the cart
///
/// Its lines at what they cost and what there is of them now.
#[utoipa::path(
    tag = "orders",
    responses((status = 200, description = "The cart", body = Cart)),
)]
#[get("/cart")]
pub async fn get_cart(
    module: web::Data<Module>,
    caller: Caller,
    cx: RequestContext,
) -> Result<HttpResponse, Problem> {
    Ok(answer(module.cart(caller.user_id, &cx).await?))
}

/// Put a product into the cart
///
/// Sets the quantity of its line; again, it acknowledges a changed price. More than there is may be
/// put in, and the line says so. A cart has at most 100 lines.
#[utoipa::path(
    tag = "orders",
    params(("product_id" = Uuid, Path)),
    request_body = PutCartItem,
    responses(
        (status = 200, description = "The cart", body = Cart),
        (status = 422, description = "`unknown_product`: unknown, or not sold; `cart_full`: it has 100 lines", body = ProblemDocument),
    ),
)]
#[put("/cart/items/{product_id}")]
pub async fn put_cart_item(
    module: web::Data<Module>,
    caller: Caller,
    cx: RequestContext,
    Id(product_id): Id,
    body: Body<PutCartItem>,
) -> Result<HttpResponse, Problem> {
    let user_id = caller.user_id;
    let cart = match body.0.quantity {
        0 => module.remove_from_cart(user_id, product_id, &cx).await?,
        quantity => {
            let line = (product_id, quantity);
            module.put_into_cart(user_id, line, &cx).await?
        }
    };
    Ok(answer(cart))
}

/// Take a product out of the cart
///
/// One that is not in it is no error.
#[utoipa::path(
    tag = "orders",
    params(("product_id" = Uuid, Path)),
    responses((status = 200, description = "The cart without it", body = Cart)),
)]
#[delete("/cart/items/{product_id}")]
pub async fn delete_cart_item(
    module: web::Data<Module>,
    caller: Caller,
    cx: RequestContext,
    Id(product_id): Id,
) -> Result<HttpResponse, Problem> {
    let user_id = caller.user_id;
    let cart = module.remove_from_cart(user_id, product_id, &cx).await?;
    Ok(answer(cart))
}

/// Empty the cart
#[utoipa::path(
    tag = "orders",
    responses((status = 200, description = "The empty cart", body = Cart)),
)]
#[delete("/cart")]
pub async fn clear_cart(
    module: web::Data<Module>,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    Ok(answer(module.clear_cart(caller.user_id).await?))
}

fn answer(cart: Cart) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(cart)
}
