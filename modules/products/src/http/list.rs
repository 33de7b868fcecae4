use actix_web::{HttpResponse, get, web};
use garde::Validate;
use platform::auth::MaybeCaller;
use platform::conditional::{IfNoneMatch, Representation};
use platform::{Cursor, Limit, Page, Params, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Module;
use crate::catalogue::cursor::{Position, Sort};
use crate::catalogue::facets::{Facets, facets};
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
    /// For administrators: only those that are on sale, or only those that are not.
    #[garde(skip)]
    is_active: Option<bool>,
    /// Whether to count what the list has, over all its pages.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = Option<bool>, default = false)]
    facets: bool,
    /// `relevance` when there is a `q`, otherwise `newest`.
    #[garde(skip)]
    #[param(inline)]
    sort: Option<Sort>,
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Limit,
    /// `next_cursor` of the page before, of the same list: `limit` and `facets` may differ, nothing else.
    #[garde(skip)]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// A page of products, and with `facets=true` counts over all pages of the list.
#[derive(Serialize, ToSchema)]
pub(super) struct ProductPage {
    items: Vec<Product>,
    /// Send it as `cursor` to get the next page; `null` on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    facets: Option<Facets>,
}

/// Products, searched, filtered and sorted. Inactive ones are shown to administrators only.
#[utoipa::path(
    tag = "products",
    params(ListQuery, IfNoneMatch),
    responses(
        (status = 200, description = "A page of products", body = ProductPage,
            headers(("ETag" = String, description = "Another one whenever anything on the page has changed"))),
        (status = 304, description = "The client has this page already",
            headers(("ETag" = String, description = "The tag that is right"))),
    ),
)]
#[get("/products")]
pub(super) async fn list_products(
    module: web::Data<Module>,
    caller: MaybeCaller,
    known: IfNoneMatch,
    Params(params): Params<ListQuery>,
) -> Result<HttpResponse, Problem> {
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
    let filter = Filter {
        category: params.category,
        handle: params.handle,
        min_price: params.min_price,
        max_price: params.max_price,
        in_stock: params.in_stock,
        is_active: params.is_active,
        inactive_too: caller.is_admin(),
    };
    let after = params.cursor;
    let after = after.map(|cursor| Position::decode(&cursor, sort, query, &filter));
    let after = after.transpose()?;
    let (pool, rows) = (module.pool(), params.limit.rows_to_fetch());
    let found = match query {
        _ if filter.is_empty() => Vec::new(),
        Some(query) => list::find(pool, query, &filter, sort, after.as_ref(), rows).await?,
        None => list::browse(pool, &filter, sort, after.as_ref(), rows).await?,
    };
    let facets = match params.facets {
        true => Some(facets(pool, query, &filter, module.config.currency.code()).await?),
        false => None,
    };
    let page = Page::from_rows(found, params.limit, |last| {
        Position::of(&last.row, last.found.clone(), sort, query, &filter)
    });
    let page = page.map(|found| found.row.into());
    let page = ProductPage {
        items: page.items,
        next_cursor: page.next_cursor,
        facets,
    };
    Ok(Representation::of(&page)?.unless_known(&known))
}
