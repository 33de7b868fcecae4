use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use garde::Validate;
use platform::auth::Caller;
use platform::problem::ProblemDocument;
use platform::{Cursor, Limit, Page, Params, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::visible;
use crate::Module;
use crate::order::{Order, Status};
use crate::store::{self, OrderFilter};

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub struct ListOrders {
    status: Option<Status>,
    /// Admins only; customers see their own orders.
    user_id: Option<Uuid>,
    /// 1 to 100.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// List orders, newest first
///
/// Customers see their own, admins all of them.
#[utoipa::path(
    tag = "orders",
    security(("bearer" = [])),
    params(ListOrders),
    responses(
        (status = 200, description = "A page of orders", body = Page<Order>),
        (status = 401, description = "`missing_token`, `invalid_token`", body = ProblemDocument),
        (status = 403, description = "`forbidden`: `user_id` is for admins", body = ProblemDocument),
        (status = 422, description = "`validation_failed`", body = ProblemDocument),
        (status = 503, description = "`unavailable`", body = ProblemDocument),
    ),
)]
#[get("/orders")]
pub async fn list_orders(
    module: web::Data<Module>,
    caller: Caller,
    params: Params<ListOrders>,
) -> Result<HttpResponse, Problem> {
    let params = params.0;
    let user_id = match params.user_id {
        Some(other) if !caller.is_admin() && other != caller.user_id => {
            return Err(Problem::forbidden());
        }
        Some(user_id) => Some(user_id),
        None if caller.is_admin() => None,
        None => Some(caller.user_id),
    };
    let filter = OrderFilter {
        user_id,
        status: params.status,
        before: params.cursor.map(|cursor| cursor.decode()).transpose()?,
    };
    let limit = params.limit.unwrap_or_default();
    let orders = store::list(module.pool(), filter, limit).await?;
    let page = Page::from_rows(orders, limit, |order| order.id);
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(page))
}

/// Read an order
#[utoipa::path(
    tag = "orders",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "The order", body = Order),
        (status = 401, description = "`missing_token`, `invalid_token`", body = ProblemDocument),
        (status = 404, description = "`not_found`: unknown, or somebody else's", body = ProblemDocument),
        (status = 503, description = "`unavailable`", body = ProblemDocument),
    ),
)]
#[get("/orders/{id}")]
pub async fn get_order(
    module: web::Data<Module>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let order = store::by_id(module.pool(), *id).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(visible(order, &caller)?))
}
