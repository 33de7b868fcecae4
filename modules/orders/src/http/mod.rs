mod cart;
mod events;
mod place;
mod read;
mod steps;
mod webhooks;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::order::Order;
use platform::auth::Caller;

pub fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(place::place_order)
        .service(cart::get_cart)
        .service(cart::clear_cart)
        .service(cart::put_cart_item)
        .service(cart::delete_cart_item)
        .service(place::check_out)
        .service(read::list_orders)
        .service(read::get_order)
        .service(events::order_events)
        .service(steps::cancel_order)
        .service(steps::pay_order)
        .service(steps::ship_order)
        .service(steps::deliver_order)
        .service(webhooks::create_webhook)
        .service(webhooks::list_webhooks)
        .service(webhooks::get_webhook)
        .service(webhooks::delete_webhook)
        .service(webhooks::list_deliveries);
}

/// Somebody else's order does not exist, unless an admin asks.
fn visible(order: Option<Order>, caller: &Caller) -> Result<Order, platform::Problem> {
    order
        .filter(|order| caller.is_admin() || order.user_id == caller.user_id)
        .ok_or_else(|| platform::Problem::not_found("order"))
}
