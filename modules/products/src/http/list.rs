use actix_web::{get, web};
use garde::Validate;
use platform::auth::MaybeCaller;
use platform::problem::ProblemDocument;
use platform::{Cursor, Limit, Page, Params, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Module;
use crate::catalogue::cursor::{Position, Sort};
use crate::catalogue::list::{self, Filter};
use crate::catalogue::product::Product;
use crate::catalogue::rules::MOST;

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Words to search for; a typing error is forgiven.
    #[garde(length(chars, max = 200))]
    #[param(max_length = 200, example = "vanilla candle")]
    q: Option<String>,
    /// Id or slug; products of its descendants are listed too.
    #[garde(length(chars, min = 1, max = 200))]
    #[param(min_length = 1, max_length = 200, example = "candles")]
    category: Option<String>,
    /// The handle that variants share.
    #[garde(length(chars, min = 1, max = 200))]
    #[param(min_length = 1, max_length = 200)]
    handle: Option<String>,
    /// Lowest price, in minor units.
    #[garde(range(min = 0, max = MOST))]
    #[param(minimum = 0, maximum = 1_000_000_000_000_i64)]
    min_price: Option<i64>,
    /// Highest price, in minor units.
    #[garde(range(min = 0, max = MOST))]
    #[param(minimum = 0, maximum = 1_000_000_000_000_i64)]
    max_price: Option<i64>,
    /// Whether any are available.
    #[garde(skip)]
    in_stock: Option<bool>,
    /// `relevance` when there is a `q`, otherwise `newest`.
    #[garde(skip)]
    #[param(inline)]
    sort: Option<Sort>,
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before, for the same `q` and `sort`.
    #[garde(skip)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Products, searched, filtered and sorted. Inactive ones are shown to administrators only.
#[utoipa::path(
    tag = "products",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of products", body = Page<Product>),
        (status = 401, description = "`invalid_token`", body = ProblemDocument),
        (status = 422, description = "A parameter is not valid", body = ProblemDocument),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    ),
    security((), ("bearer" = []))
)]
#[get("/products")]
pub(super) async fn list_products(
    module: web::Data<Module>,
    caller: MaybeCaller,
    Params(params): Params<ListQuery>,
) -> Result<web::Json<Page<Product>>, Problem> {
    if let (Some(min), Some(max)) = (params.min_price, params.max_price)
        && min > max
    {
        return Err(Problem::invalid_field(
            "max_price",
            "must not be below min_price",
        ));
    }
    let query = params.q.as_deref().map(str::trim).filter(|q| !q.is_empty());
    let sort = match (params.sort, query) {
        (None | Some(Sort::Relevance), None) => Sort::Newest,
        (None, Some(_)) => Sort::Relevance,
        (Some(sort), _) => sort,
    };
    let after = params
        .cursor
        .map(|cursor| Position::decode(&cursor, sort, query));
    let after = after.transpose()?;
    let filter = Filter {
        category: params.category,
        handle: params.handle,
        min_price: params.min_price,
        max_price: params.max_price,
        in_stock: params.in_stock,
        inactive_too: caller.is_admin(),
    };
    let rows = params.limit.rows_to_fetch();
    let found = match query {
        Some(query) => list::find(module.pool(), query, &filter, sort, after.as_ref(), rows).await,
        None => list::browse(module.pool(), &filter, sort, after.as_ref(), rows).await,
    };
    let page = Page::from_rows(found?, params.limit, |last| {
        Position::of(&last.row, last.found.clone(), sort, query)
    });
    Ok(web::Json(page.map(|found| found.row.into())))
}
