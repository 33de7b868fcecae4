use actix_web::http::header;
use actix_web::{HttpResponse, delete, get, post, web};
use garde::Validate;
use platform::auth::Admin;
use platform::problem::ProblemDocument;
use platform::{Body, Cursor, Id, Limit, Page, Params, Problem};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::Module;
use crate::webhooks::{self, CreatedWebhook, Delivery, EventType, NewWebhook, URL_MOST, Webhook};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Where to send to: http or https, without credentials, and to a public address. In
    /// production https alone.
    #[garde(length(bytes, min = 1, max = URL_MOST))]
    #[schema(
        format = "uri",
        min_length = 1,
        max_length = 2048,
        pattern = r"^[Hh][Tt][Tt][Pp][Ss]?://",
        example = "https://erp.example/hooks/orders"
    )]
    url: String,
    /// What to tell of; without it, everything.
    #[garde(inner(length(min = 1, max = 100)))]
    #[schema(min_items = 1, max_items = 100, example = json!(["order.placed", "order.cancelled"]))]
    events: Option<Vec<EventType>>,
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[garde(allow_unvalidated)]
pub struct PageParams {
    /// 1 to 100.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Make a webhook
///
/// What happens to orders from now on is sent to its URL, signed by the Standard Webhooks scheme.
#[utoipa::path(
    tag = "orders",
    request_body = CreateWebhook,
    responses(
        (status = 201, description = "Made; the secret is shown this once", body = CreatedWebhook,
         headers(("Location" = String, description = "Path of the webhook"))),
        (status = 409, description = "`too_many_webhooks`", body = ProblemDocument),
    ),
)]
#[post("/webhooks")]
pub async fn create_webhook(
    module: web::Data<Module>,
    Admin(caller): Admin,
    Body(body): Body<CreateWebhook>,
) -> Result<HttpResponse, Problem> {
    let judged = module.webhooks.guard.judge(&body.url).await;
    judged.map_err(|wrong| Problem::invalid_field("url", wrong))?;
    let new = NewWebhook {
        url: body.url,
        events: body.events,
    };
    let created = webhooks::create(module.pool(), new).await?;
    module.webhooks.made.notify_one();
    let id = created.id;
    tracing::info!(webhook_id = %id, admin = %caller.user_id, "a webhook was made");
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/v1/webhooks/{id}")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(created))
}

/// List webhooks, newest first
#[utoipa::path(
    tag = "orders",
    params(PageParams),
    responses((status = 200, description = "A page of webhooks", body = Page<Webhook>)),
)]
#[get("/webhooks")]
pub async fn list_webhooks(
    module: web::Data<Module>,
    _: Admin,
    Params(params): Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let before = params.cursor.map(|cursor| cursor.decode()).transpose()?;
    let limit = params.limit.unwrap_or_default();
    let found = webhooks::list(module.pool(), before, limit).await?;
    Ok(no_store(Page::from_rows(found, limit, |webhook| {
        webhook.id
    })))
}

/// Read a webhook
#[utoipa::path(
    tag = "orders",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The webhook", body = Webhook)),
)]
#[get("/webhooks/{id}")]
pub async fn get_webhook(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
) -> Result<HttpResponse, Problem> {
    let found = webhooks::by_id(module.pool(), id).await?;
    Ok(no_store(found.ok_or_else(unknown)?))
}

/// Delete a webhook
///
/// It is told nothing any more, except for what is on its way already.
#[utoipa::path(
    tag = "orders",
    params(("id" = Uuid, Path)),
    responses((status = 204, description = "Deleted")),
)]
#[delete("/webhooks/{id}")]
pub async fn delete_webhook(
    module: web::Data<Module>,
    Admin(caller): Admin,
    Id(id): Id,
) -> Result<HttpResponse, Problem> {
    if !webhooks::delete(module.pool(), id).await? {
        return Err(unknown());
    }
    tracing::info!(webhook_id = %id, admin = %caller.user_id, "a webhook was deleted");
    Ok(HttpResponse::NoContent().finish())
}

/// List what was sent to a webhook, newest first
///
/// Each event with its attempts; kept for 30 days.
#[utoipa::path(
    tag = "orders",
    params(("id" = Uuid, Path), PageParams),
    responses((status = 200, description = "A page of deliveries", body = Page<Delivery>)),
)]
#[get("/webhooks/{id}/deliveries")]
pub async fn list_deliveries(
    module: web::Data<Module>,
    _: Admin,
    Id(id): Id,
    Params(params): Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let before = params.cursor.map(|cursor| cursor.decode()).transpose()?;
    let limit = params.limit.unwrap_or_default();
    let found = webhooks::deliveries(module.pool(), id, before, limit).await?;
    let found = found.ok_or_else(unknown)?;
    Ok(no_store(Page::from_rows(found, limit, |delivery| {
        delivery.id
    })))
}

fn no_store(body: impl serde::Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(body)
}

fn unknown() -> Problem {
    Problem::not_found("webhook")
}
