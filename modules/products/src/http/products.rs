use actix_web::{HttpResponse, delete, get, patch, post, put, web};
use platform::auth::{Admin, MaybeCaller};
use platform::conditional::{IfMatch, IfNoneMatch, Representation};
use platform::problem::ProblemDocument;
use platform::{Body, Id, MergePatch, Problem};
use uuid::Uuid;

use super::body::{NewProduct, ProductBody, ProductPatch};
use crate::Module;
use crate::catalogue::change::{Locked, WriteError, change};
use crate::catalogue::product::{Fields, Product};
use crate::catalogue::{create, read, rules};

/// Adds a product to the catalogue.
#[utoipa::path(
    tag = "products",
    request_body = NewProduct,
    responses(
        (status = 201, description = "The new product", body = Product, headers(
            ("Location" = String, description = "Path of the product"),
            ("ETag" = String, description = "As of a read"),
        )),
        (status = 409, description = "`sku_taken`", body = ProblemDocument),
    ),
)]
#[post("/products")]
pub(super) async fn create_product(
    module: web::Data<Module>,
    Admin(caller): Admin,
    Body(new): Body<NewProduct>,
) -> Result<HttpResponse, Problem> {
    let on_hand = new.stock.as_ref().map_or(0, |stock| stock.on_hand);
    let fields = new.fields(module.config.currency)?;
    let product = create::create(module.pool(), fields, on_hand, caller.user_id).await?;
    let location = format!("/api/v1/products/{}", product.id);
    Ok(Representation::of(&product)?.created_at(location))
}

/// Replaces what can be written of a product. What is left out has its default; stock and images
/// stay as they are.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product"), IfMatch),
    request_body = ProductBody,
    responses(
        (status = 200, description = "The product as it is now", body = Product,
            headers(("ETag" = String, description = "As of a read"))),
        (status = 409, description = "`sku_taken`", body = ProblemDocument),
    ),
)]
#[put("/products/{id}")]
pub(super) async fn replace_product(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
    if_match: IfMatch,
    Body(body): Body<ProductBody>,
) -> Result<HttpResponse, Problem> {
    let fields = body.fields(module.config.currency)?;
    let product = write(&module, id, &if_match, |_| Ok(fields.clone())).await?;
    Ok(Representation::of(&product)?.ok())
}

/// Changes some of what can be written of a product (JSON Merge Patch, RFC 7396).
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product"), IfMatch),
    request_body(content(
        (ProductPatch = "application/merge-patch+json"),
        (ProductPatch = "application/json"),
    )),
    responses(
        (status = 200, description = "The product as it is now", body = Product,
            headers(("ETag" = String, description = "As of a read"))),
        (status = 409, description = "`sku_taken`", body = ProblemDocument),
    ),
)]
#[patch("/products/{id}")]
pub(super) async fn patch_product(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
    if_match: IfMatch,
    patch: MergePatch<ProductPatch>,
) -> Result<HttpResponse, Problem> {
    let product = write(&module, id, &if_match, |product| {
        let body = ProductBody::of(product).ok_or_else(Problem::internal)?;
        patch.apply(&body)?.fields(module.config.currency)
    });
    Ok(Representation::of(&product.await?)?.ok())
}

/// Takes a product from sale. It stays for administrators, who may put it back (`is_active`), and
/// orders keep what they know of it.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product"), IfMatch),
    responses(
        (status = 204, description = "It is inactive, now or since before"),
    ),
)]
#[delete("/products/{id}")]
pub(super) async fn delete_product(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    let inactive = |product: &Product| {
        Ok(Fields {
            is_active: false,
            ..product.fields()
        })
    };
    write(&module, id, &if_match, inactive).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn write(
    module: &Module,
    id: Uuid,
    if_match: &IfMatch,
    decide: impl Fn(&Product) -> Result<Fields, Problem>,
) -> Result<Product, Problem> {
    let locked = match if_match.is_given() {
        true => Locked::ProductAndStock,
        false => Locked::Product,
    };
    let product = change(module.pool(), id, locked, |product| {
        // What is wrong with the request is wrong in any state of the product.
        let fields = decide(product)?;
        if_match.check(Representation::of(product)?.tag())?;
        Ok(fields)
    });
    Ok(product.await?)
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::UnknownProduct => Self::not_found("product"),
            WriteError::SkuTaken => Self::conflict("sku_taken", "Another product has this sku."),
            WriteError::UnknownCategory => {
                Self::invalid_field("category_id", "is no category of this shop")
            }
            WriteError::Refused(problem) => problem,
            WriteError::Database(error) => error.into(),
        }
    }
}

/// A product by its id. Inactive ones are shown to administrators only.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the product"), IfNoneMatch),
    responses(
        (status = 200, description = "The product", body = Product,
            headers(("ETag" = String, description = "Another one whenever anything of the product has changed, stock included"))),
        (status = 304, description = "The client has it already",
            headers(("ETag" = String, description = "The tag that is right"))),
    ),
)]
#[get("/products/{id}")]
pub(super) async fn get_product(
    module: web::Data<Module>,
    caller: MaybeCaller,
    Id(id): Id,
    known: IfNoneMatch,
) -> Result<HttpResponse, Problem> {
    let product = read::by_id(module.pool(), id, caller.is_admin()).await?;
    let product = product.ok_or_else(|| Problem::not_found("product"))?;
    Ok(Representation::of(&product)?.unless_known(&known))
}

/// A product by its sku. Inactive ones are shown to administrators only.
#[utoipa::path(
    tag = "products",
    params(
        ("sku" = String, Path, description = "In the same case", example = "CANDLE-VANILLA-L"),
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "The product", body = Product,
            headers(("ETag" = String, description = "As of a read by id"))),
        (status = 304, description = "The client has it already",
            headers(("ETag" = String, description = "The tag that is right"))),
    ),
)]
#[get("/products/by-sku/{sku}")]
pub(super) async fn get_product_by_sku(
    module: web::Data<Module>,
    caller: MaybeCaller,
    sku: web::Path<String>,
    known: IfNoneMatch,
) -> Result<HttpResponse, Problem> {
    // No product has such a sku, and Postgres takes no such text.
    if rules::check_sku(&sku).is_err() {
        return Err(Problem::not_found("product"));
    }
    let product = read::by_sku(module.pool(), &sku, caller.is_admin()).await?;
    let product = product.ok_or_else(|| Problem::not_found("product"))?;
    Ok(Representation::of(&product)?.unless_known(&known))
}
