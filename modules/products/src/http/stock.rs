use actix_web::{post, put, web};
use garde::Validate;
use platform::auth::Admin;
use platform::problem::ProblemDocument;
use platform::{Body, Problem};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Module;
use crate::catalogue::product::Product;
use crate::catalogue::rules::MOST;
use crate::catalogue::stock::{self, StockError};

/// What is on hand.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StockLevel {
    #[garde(range(min = 0, max = MOST))]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 25)]
    pub(super) on_hand: i64,
}

/// Pieces that came or went, and why.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StockAdjustment {
    /// Not zero; negative when pieces went.
    #[garde(range(min = -MOST, max = MOST), custom(check_delta))]
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = -2)]
    delta: i64,
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "damaged in the warehouse")]
    reason: String,
}

fn check_delta(delta: &i64, _: &()) -> garde::Result {
    match delta {
        0 => Err(garde::Error::new("must not be 0")),
        _ => Ok(()),
    }
}

/// Sets the stock as it was counted.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product")),
    request_body = StockLevel,
    responses(
        (status = 200, description = "The product with its new stock", body = Product),
        (status = 400, description = "No JSON", body = ProblemDocument),
        (status = 401, description = "`missing_token` or `invalid_token`", body = ProblemDocument),
        (status = 403, description = "Not an administrator", body = ProblemDocument),
        (status = 404, description = "No such product", body = ProblemDocument),
        (status = 409, description = "`stock_in_use`: less than is reserved", body = ProblemDocument),
        (status = 413, description = "The body is too large", body = ProblemDocument),
        (status = 415, description = "Another media type than JSON", body = ProblemDocument),
        (status = 422, description = "A field is not valid", body = ProblemDocument),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
#[put("/products/{id}/stock")]
pub(super) async fn set_stock(
    module: web::Data<Module>,
    Admin(caller): Admin,
    id: web::Path<Uuid>,
    Body(level): Body<StockLevel>,
) -> Result<web::Json<Product>, Problem> {
    stock::set(module.pool(), *id, level.on_hand, caller.user_id)
        .await
        .map(web::Json)
        .map_err(|error| problem(error, "on_hand"))
}

/// Adds pieces that came, or takes away those that went.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product")),
    request_body = StockAdjustment,
    responses(
        (status = 200, description = "The product with its new stock", body = Product),
        (status = 400, description = "No JSON", body = ProblemDocument),
        (status = 401, description = "`missing_token` or `invalid_token`", body = ProblemDocument),
        (status = 403, description = "Not an administrator", body = ProblemDocument),
        (status = 404, description = "No such product", body = ProblemDocument),
        (status = 409, description = "`stock_in_use`: less than is reserved would be left", body = ProblemDocument),
        (status = 413, description = "The body is too large", body = ProblemDocument),
        (status = 415, description = "Another media type than JSON", body = ProblemDocument),
        (status = 422, description = "A field is not valid", body = ProblemDocument),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
#[post("/products/{id}/stock/adjustments")]
pub(super) async fn adjust_stock(
    module: web::Data<Module>,
    Admin(caller): Admin,
    id: web::Path<Uuid>,
    Body(adjustment): Body<StockAdjustment>,
) -> Result<web::Json<Product>, Problem> {
    let StockAdjustment { delta, reason } = adjustment;
    stock::adjust(module.pool(), *id, delta, &reason, caller.user_id)
        .await
        .map(web::Json)
        .map_err(|error| problem(error, "delta"))
}

fn problem(error: StockError, field: &str) -> Problem {
    match error {
        StockError::UnknownProduct => Problem::not_found("product"),
        StockError::InUse => {
            Problem::conflict("stock_in_use", "Less would be on hand than is reserved.")
        }
        StockError::TooMuch => {
            Problem::invalid_field(field, format!("must leave at most {MOST} on hand"))
        }
        StockError::Database(error) => error.into(),
    }
}
