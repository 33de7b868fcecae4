use actix_web::{HttpResponse, delete, get, post, put, web};
use garde::Validate;
use platform::auth::Admin;
use platform::conditional::{IfNoneMatch, Representation};
use platform::problem::ProblemDocument;
use platform::{Body, Id, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::by;
use crate::Module;
use crate::catalogue::categories::{self, Category};
use crate::catalogue::place_category::{self, CategoryError, CategoryFields, MAX_LEVELS};
use crate::catalogue::rules;

/// All categories, as a forest.
#[derive(Serialize, ToSchema)]
pub(super) struct CategoryTree {
    items: Vec<Category>,
}

/// A category as it shall be. What is left out has its default.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CategoryBody {
    #[garde(custom(by(rules::check_category_name)))]
    #[schema(min_length = 1, max_length = 200, example = "Desk lamps")]
    name: String,
    /// Unique. Made from the name unless given, with a number when another category has that:
    /// `desk-lamps-2`.
    #[garde(inner(custom(by(rules::check_slug))))]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[a-z0-9]+(-[a-z0-9]+)*$",
        example = "desk-lamps"
    )]
    slug: Option<String>,
    /// The category that it stands below; none, and it stands at the top.
    #[garde(skip)]
    #[serde(default, with = "uuid::serde::hyphenated::option")]
    parent_id: Option<Uuid>,
}

impl From<CategoryBody> for CategoryFields {
    fn from(body: CategoryBody) -> Self {
        Self {
            slug: body.slug,
            name: body.name,
            parent_id: body.parent_id,
        }
    }
}

/// The category tree.
#[utoipa::path(
    tag = "products",
    params(IfNoneMatch),
    responses(
        (status = 200, description = "The categories without a parent; the others are below them", body = CategoryTree,
            headers(("ETag" = String, description = "Another one whenever a category has changed"))),
        (status = 304, description = "The client has them already",
            headers(("ETag" = String, description = "The tag that is right"))),
    )
)]
#[get("/categories")]
pub(super) async fn list_categories(
    module: web::Data<Module>,
    known: IfNoneMatch,
) -> Result<HttpResponse, Problem> {
    let items = categories::tree(module.pool()).await?;
    Ok(Representation::of(&CategoryTree { items })?.unless_known(&known))
}

/// A category, with those below it.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the category"), IfNoneMatch),
    responses(
        (status = 200, description = "The category", body = Category,
            headers(("ETag" = String, description = "Another one whenever it or one below has changed"))),
        (status = 304, description = "The client has it already",
            headers(("ETag" = String, description = "The tag that is right"))),
    )
)]
#[get("/categories/{id}")]
pub(super) async fn get_category(
    module: web::Data<Module>,
    Id(id): Id,
    known: IfNoneMatch,
) -> Result<HttpResponse, Problem> {
    let category = categories::by_id(module.pool(), id).await?;
    let category = category.ok_or_else(|| Problem::not_found("category"))?;
    Ok(Representation::of(&category)?.unless_known(&known))
}

/// Adds a category.
#[utoipa::path(
    tag = "products",
    request_body = CategoryBody,
    responses(
        (status = 201, description = "The new category", body = Category, headers(
            ("Location" = String, description = "Path of the category"),
            ("ETag" = String, description = "As of a read"),
        )),
        (status = 409, description = "`slug_taken`: another category has it", body = ProblemDocument),
    ),
)]
#[post("/categories")]
pub(super) async fn create_category(
    module: web::Data<Module>,
    _: Admin,
    Body(new): Body<CategoryBody>,
) -> Result<HttpResponse, Problem> {
    let category = place_category::create(module.pool(), &new.into()).await?;
    let location = format!("/api/v1/categories/{}", category.id);
    Ok(Representation::of(&category)?.created_at(location))
}

/// Replaces a category: renames it, or moves it with all that is below it.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the category")),
    request_body = CategoryBody,
    responses(
        (status = 200, description = "The category as it is now", body = Category,
            headers(("ETag" = String, description = "As of a read"))),
        (status = 409, description = "`slug_taken`: another category has it; `category_cycle`: the parent is the category itself or below it", body = ProblemDocument),
    ),
)]
#[put("/categories/{id}")]
pub(super) async fn replace_category(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
    Body(body): Body<CategoryBody>,
) -> Result<HttpResponse, Problem> {
    let category = place_category::replace(module.pool(), id, &body.into()).await?;
    Ok(Representation::of(&category)?.ok())
}

/// Deletes a category that nothing is in.
#[utoipa::path(
    tag = "products",
    params(("id" = Uuid, Path, description = "Of the category")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "`category_in_use`: categories or products are in it, inactive ones included", body = ProblemDocument),
    ),
)]
#[delete("/categories/{id}")]
pub(super) async fn delete_category(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
) -> Result<HttpResponse, Problem> {
    place_category::delete(module.pool(), id).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<CategoryError> for Problem {
    fn from(error: CategoryError) -> Self {
        match error {
            CategoryError::Unknown => Self::not_found("category"),
            CategoryError::UnknownParent => {
                Self::invalid_field("parent_id", "is no category of this shop")
            }
            CategoryError::TooDeep => Self::invalid_field(
                "parent_id",
                format!("must not nest categories deeper than {MAX_LEVELS} levels"),
            ),
            CategoryError::Cycle => {
                Self::conflict("category_cycle", "A category cannot stand below itself.")
            }
            CategoryError::SlugTaken => {
                Self::conflict("slug_taken", "Another category has this slug.")
            }
            CategoryError::InUse => Self::conflict(
                "category_in_use",
                "Categories or products are in it; move them first.",
            ),
            CategoryError::Database(error) => error.into(),
        }
    }
}
