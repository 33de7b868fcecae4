use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use garde::Validate;
use platform::auth::Caller;
use platform::problem::ProblemDocument;
use platform::{Cursor, Id, Limit, Page, Params, Problem};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::visible;
use crate::Module;
use crate::order::{Order, Status, WrittenNumber};
use crate::store::{self, OrderFilter};

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub struct ListOrders {
    status: Option<Status>,
    /// Admins only; customers see their own orders.
    #[serde(default, with = "uuid::serde::hyphenated::option")]
    user_id: Option<Uuid>,
    /// The order's number, in any case, with or without its dash.
    #[param(
        value_type = Option<String>,
        pattern = "^[0-9A-TV-Za-tv-z]{4}-?[0-9A-TV-Za-tv-z]{4}$",
        example = "7KQ2-M4XD"
    )]
    number: Option<WrittenNumber>,
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
    params(ListOrders),
    responses(
        (status = 200, description = "A page of orders", body = Page<Order>),
        (status = 403, description = "`forbidden`: another's `user_id` is for administrators", body = ProblemDocument),
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
        number: params.number.map(|number| number.0),
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
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The order", body = Order)),
)]
#[get("/orders/{id}")]
pub async fn get_order(
    module: web::Data<Module>,
    caller: Caller,
    Id(id): Id,
) -> Result<HttpResponse, Problem> {
    let order = store::by_id(module.pool(), id).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(visible(order, &caller)?))
}
