use actix_web::{get, web};
use platform::Problem;
use platform::problem::ProblemDocument;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Module;
use crate::catalogue::categories::{self, Category};

/// All categories, as a forest.
#[derive(Serialize, ToSchema)]
pub(super) struct CategoryTree {
    items: Vec<Category>,
}

/// The category tree.
#[utoipa::path(
    tag = "products",
    responses(
        (status = 200, description = "The categories without a parent; the others are below them", body = CategoryTree),
        (status = 503, description = "Unavailable; see `Retry-After`", body = ProblemDocument),
    )
)]
#[get("/categories")]
pub(super) async fn list_categories(
    module: web::Data<Module>,
) -> Result<web::Json<CategoryTree>, Problem> {
    let items = categories::tree(module.pool()).await?;
    Ok(web::Json(CategoryTree { items }))
}
