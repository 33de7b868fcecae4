use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::{HttpResponse, get, post, web};
use garde::Validate;
use iso_currency::Currency;
use platform::auth::{Admin, MaybeCaller};
use platform::problem::ProblemDocument;
use platform::{Body, Problem};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::stock::StockLevel;
use crate::Module;
use crate::catalogue::create::{self, CreateError};
use crate::catalogue::product::{Money, Product};
use crate::catalogue::{read, rules};

/// A product to be. What is left out has its default.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProduct {
    /// Unique, also among inactive products.
    #[garde(custom(by(rules::check_sku)))]
    #[schema(min_length = 1, max_length = 100, example = "CANDLE-VANILLA-L")]
    sku: String,
    #[garde(custom(by(rules::check_name)))]
    #[schema(min_length = 1, max_length = 300, example = "Vanilla candle")]
    name: String,
    #[garde(length(chars, max = rules::DESCRIPTION_CHARS))]
    #[serde(default)]
    #[schema(max_length = 50_000)]
    description: String,
    #[garde(dive)]
    price: Price,
    #[garde(skip)]
    category_id: Option<Uuid>,
    /// What variants of one thing share: letters, digits, `-`, `_` and `.`.
    #[garde(inner(custom(by(rules::check_handle))))]
    #[schema(min_length = 1, max_length = 200, example = "vanilla-candle")]
    handle: Option<String>,
    /// At most 50, with names of up to 100 characters and values of up to 1000.
    #[garde(custom(by(rules::check_attributes)))]
    #[serde(default)]
    #[schema(example = json!({"size": "large"}))]
    attributes: BTreeMap<String, String>,
    #[garde(skip)]
    #[serde(default = "active")]
    #[schema(default = true)]
    is_active: bool,
    #[garde(dive)]
    stock: Option<StockLevel>,
}

/// A price, in the shop's currency.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    /// Integer minor units: cents for `EUR`.
    #[garde(range(min = 0, max = rules::MOST))]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 1999)]
    amount: i64,
    /// ISO 4217 code.
    #[garde(skip)]
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
}

fn active() -> bool {
    true
}

/// A rule of the catalogue as garde takes it.
fn by<T: ?Sized>(rule: impl Fn(&T) -> Result<(), String>) -> impl Fn(&T, &()) -> garde::Result {
    move |value, ()| rule(value).map_err(garde::Error::new)
}

/// Adds a product to the catalogue.
#[utoipa::path(
    tag = "products",
    request_body = NewProduct,
    responses(
        (status = 201, description = "The new product", body = Product,
            headers(("Location" = String, description = "Path of the product"))),
        (status = 400, description = "No JSON", body = ProblemDocument),
        (status = 401, description = "`missing_token` or `invalid_token`", body = ProblemDocument),
        (status = 403, description = "Not an administrator", body = ProblemDocument),
        (status = 409, description = "`sku_taken`", body = ProblemDocument),
        (status = 413, description = "The body is too large", body = ProblemDocument),
        (status = 415, description = "Another media type than JSON", body = ProblemDocument),
        (status = 422, description = "A field is not valid", body = ProblemDocument),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    ),
    security(("bearer" = []))
)]
#[post("/products")]
pub(super) async fn create_product(
    module: web::Data<Module>,
    Admin(caller): Admin,
    Body(new): Body<NewProduct>,
) -> Result<HttpResponse, Problem> {
    let price = in_shop_currency(new.price, module.config.currency)?;
    let new = create::NewProduct {
        sku: new.sku,
        name: new.name,
        description: new.description,
        price,
        category_id: new.category_id,
        handle: new.handle,
        attributes: new.attributes,
        is_active: new.is_active,
        on_hand: new.stock.map_or(0, |stock| stock.on_hand),
    };
    let product = create::create(module.pool(), new, caller.user_id)
        .await
        .map_err(problem)?;
    let location = format!("/api/v1/products/{}", product.id);
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, location))
        .json(product))
}

fn in_shop_currency(price: Price, shop: Currency) -> Result<Money, Problem> {
    if price.currency != shop {
        let message = format!("must be the shop's currency, {}", shop.code());
        return Err(Problem::invalid_field("price.currency", message));
    }
    Ok(Money {
        amount: price.amount,
        currency: shop.code().to_owned(),
    })
}

fn problem(error: CreateError) -> Problem {
    match error {
        CreateError::SkuTaken => Problem::conflict("sku_taken", "Another product has this sku."),
        CreateError::UnknownCategory => {
            Problem::invalid_field("category_id", "is no category of this shop")
        }
        CreateError::Database(error) => error.into(),
    }
}

/// A product by its id. Inactive ones are shown to administrators only.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product")),
    responses(
        (status = 200, description = "The product", body = Product),
        (status = 401, description = "`invalid_token`", body = ProblemDocument),
        (status = 404, description = "No such product", body = ProblemDocument),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    ),
    security((), ("bearer" = []))
)]
#[get("/products/{id}")]
pub(super) async fn get_product(
    module: web::Data<Module>,
    caller: MaybeCaller,
    id: web::Path<Uuid>,
) -> Result<web::Json<Product>, Problem> {
    let product = read::by_id(module.pool(), *id, caller.is_admin()).await?;
    product
        .map(web::Json)
        .ok_or_else(|| Problem::not_found("product"))
}

/// A product by its sku. Inactive ones are shown to administrators only.
#[utoipa::path(
    tag = "products",
    params(("sku" = String, Path, description = "In the same case", example = "CANDLE-VANILLA-L")),
    responses(
        (status = 200, description = "The product", body = Product),
        (status = 401, description = "`invalid_token`", body = ProblemDocument),
        (status = 404, description = "No such product", body = ProblemDocument),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    ),
    security((), ("bearer" = []))
)]
#[get("/products/by-sku/{sku}")]
pub(super) async fn get_product_by_sku(
    module: web::Data<Module>,
    caller: MaybeCaller,
    sku: web::Path<String>,
) -> Result<web::Json<Product>, Problem> {
    // No product has such a sku, and Postgres takes no such text.
    if rules::check_sku(&sku).is_err() {
        return Err(Problem::not_found("product"));
    }
    let product = read::by_sku(module.pool(), &sku, caller.is_admin()).await?;
    product
        .map(web::Json)
        .ok_or_else(|| Problem::not_found("product"))
}
