//! The module's part of the public contract.

mod body;
mod categories;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod list;
mod products;
mod stock;

use utoipa_actix_web::service_config::ServiceConfig;

/// To be mounted below `/api/v1`.
pub fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(list::list_products)
        .service(products::create_product)
        .service(crate::export::http::export_products)
        .service(products::get_product_by_sku)
        .service(products::get_product)
        .service(products::replace_product)
        .service(products::patch_product)
        .service(products::delete_product)
        .service(crate::import::http::import_products)
        .service(crate::media::http::add_image)
        .service(crate::media::http::delete_image)
        .service(crate::media::http::get_media)
        .service(stock::set_stock)
        .service(stock::adjust_stock)
        .service(stock::list_adjustments)
        .service(categories::list_categories)
        .service(categories::create_category)
        .service(categories::get_category)
        .service(categories::replace_category)
        .service(categories::delete_category);
}
