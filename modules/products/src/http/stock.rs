use actix_web::http::header;
use actix_web::{HttpResponse, get, post, put, web};
use garde::Validate;
use platform::auth::{Admin, Caller};
use platform::conditional::{IfMatch, Representation};
use platform::problem::ProblemDocument;
use platform::{Body, Cursor, Id, Limit, Page, Params, Problem};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Module;
use crate::catalogue::journal::{self, Adjustment};
use crate::catalogue::product::Product;
use crate::catalogue::rules::MOST;
use crate::catalogue::stock::{self, Change, StockError};

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
    params(("id" = Uuid, Path, description = "Of the product"), IfMatch),
    request_body = StockLevel,
    responses(
        (status = 200, description = "The product with its new stock", body = Product,
            headers(("ETag" = String, description = "As of a read"))),
        (status = 409, description = "`stock_in_use`: less than is reserved", body = ProblemDocument),
    ),
)]
#[put("/products/{id}/stock")]
pub(super) async fn set_stock(
    module: web::Data<Module>,
    Admin(caller): Admin,
    Id(id): Id,
    if_match: IfMatch,
    Body(level): Body<StockLevel>,
) -> Result<HttpResponse, Problem> {
    let on_hand = level.on_hand;
    change(&module, &caller, id, &if_match, Change::Count { on_hand }).await
}

/// Adds pieces that came, or takes away those that went.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product"), IfMatch),
    request_body = StockAdjustment,
    responses(
        (status = 200, description = "The product with its new stock", body = Product,
            headers(("ETag" = String, description = "As of a read"))),
        (status = 409, description = "`stock_in_use`: less than is reserved would be left", body = ProblemDocument),
    ),
)]
#[post("/products/{id}/stock/adjustments")]
pub(super) async fn adjust_stock(
    module: web::Data<Module>,
    Admin(caller): Admin,
    Id(id): Id,
    if_match: IfMatch,
    Body(adjustment): Body<StockAdjustment>,
) -> Result<HttpResponse, Problem> {
    let StockAdjustment { delta, reason } = adjustment;
    let adjust = Change::Adjust { delta, reason };
    change(&module, &caller, id, &if_match, adjust).await
}

async fn change(
    module: &Module,
    caller: &Caller,
    id: Uuid,
    if_match: &IfMatch,
    change: Change,
) -> Result<HttpResponse, Problem> {
    let (pool, actor) = (module.pool(), caller.user_id);
    let product = match if_match.is_given() {
        false => stock::change(pool, id, &change, actor).await,
        true => {
            let allow = |product: &Product| if_match.check(Representation::of(product)?.tag());
            stock::change_if(pool, id, &change, actor, allow).await
        }
    };
    let product = product.map_err(|error| problem(error, &change))?;
    Ok(Representation::of(&product)?.ok())
}

fn problem(error: StockError, change: &Change) -> Problem {
    let field = match change {
        Change::Count { .. } => "on_hand",
        Change::Adjust { .. } => "delta",
    };
    match error {
        StockError::UnknownProduct => Problem::not_found("product"),
        StockError::InUse => {
            Problem::conflict("stock_in_use", "Less would be on hand than is reserved.")
        }
        StockError::TooMuch => {
            Problem::invalid_field(field, format!("must leave at most {MOST} on hand"))
        }
        StockError::Refused(problem) => problem,
        StockError::Database(error) => error.into(),
    }
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AdjustmentsQuery {
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[garde(skip)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Why what is on hand has changed, and who changed it; the latest first. Its sum is what is on hand.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product"), AdjustmentsQuery),
    responses((status = 200, description = "A page of changes", body = Page<Adjustment>)),
)]
#[get("/products/{id}/stock/adjustments")]
pub(super) async fn list_adjustments(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
    Params(query): Params<AdjustmentsQuery>,
) -> Result<HttpResponse, Problem> {
    let before = match query.cursor.map(|cursor| cursor.decode::<(Uuid, i64)>()) {
        None => None,
        Some(place) => match place? {
            (product_id, number) if product_id == id => Some(number),
            _ => return Err(Problem::invalid_field("cursor", "belongs to another list")),
        },
    };
    let rows = query.limit.rows_to_fetch();
    let adjustments = journal::adjustments(module.pool(), id, before, rows).await?;
    let adjustments = adjustments.ok_or_else(|| Problem::not_found("product"))?;
    let page = Page::from_rows(adjustments, query.limit, |last| (id, last.number));
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(page))
}
