use std::io;

use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, post, web};
use futures_util::{Stream, StreamExt};
use platform::Problem;
use platform::auth::Admin;
use platform::body::expect_media_type;
use platform::problem::{FieldError, ProblemDocument};
use tokio_util::io::StreamReader;

use super::{Format, ImportError, Report, format, import};
use crate::Module;

/// Imports products.
///
/// The body is streamed: NDJSON, our own CSV or Shopify's product CSV. Records are matched by
/// `sku`. All good ones land, also when others are rejected; `rejected` names those by line. On
/// 413, 400, 503 and `unclosed_quotes` the members `imported`, `updated` and `rejected` tell what had landed before.
#[utoipa::path(
    tag = "products",
    request_body(
        description = "NDJSON, an object per line: `sku`, and any of `name`, `description`, \
            `price {amount, currency}`, `category` (a path, `Women > Tops`, made when unknown), \
            `category_slug`, `category_id`, `handle`, `attributes`, `is_active`, `stock {on_hand}`. \
            CSV: the columns `sku, name, description, price_amount, price_currency, category, \
            category_slug, handle, attributes, is_active, on_hand`, of which only `sku` must be \
            there, or the file as Shopify exports it. A new product needs a name and a price; what \
            a record does not have stays as it is.",
        content(
            (String = "application/x-ndjson",
                example = json!("{\"sku\":\"MUG-1\",\"name\":\"Mug\",\"price\":{\"amount\":1999,\"currency\":\"EUR\"}}\n")),
            (String = "text/csv",
                example = json!("sku,name,price_amount,price_currency\nMUG-1,Mug,1999,EUR\n")),
        ),
    ),
    responses(
        (status = 200, description = "Read to its end", body = Report),
        (status = 413, description = "`import_too_large`: it has too many bytes; what came before has landed", body = ProblemDocument),
        (status = 422, description = "`unclosed_quotes`: reading stopped at a line; `invalid_header`: the header of the CSV cannot be used, nothing has landed", body = ProblemDocument),
    ),
)]
#[post("/products/import")]
pub async fn import_products(
    module: web::Data<Module>,
    admin: Admin,
    req: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    expect_media_type(&req, &format::MEDIA_TYPES)?;
    // Only a request without body passes without a type.
    let format = Format::of_media_type(req.content_type())
        .ok_or_else(|| Problem::bad_request("empty_body", "Send a file."))?;
    let limit = module.config.import_bytes;
    if limit > 0 && declared_length(&req).is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let reader = StreamReader::new(limited(payload, limit));
    let report = import(
        module.pool(),
        module.config.currency,
        Some(admin.0.user_id),
        format,
        reader,
        |_| {},
    )
    .await
    .map_err(|error| problem(error, limit))?;
    Ok(HttpResponse::Ok().json(report))
}

fn declared_length(req: &HttpRequest) -> Option<u64> {
    req.headers()
        .get(CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// The body, ending in an error past `limit` bytes; 0 is no limit.
fn limited(
    payload: web::Payload,
    limit: u64,
) -> impl Stream<Item = io::Result<web::Bytes>> + Unpin {
    let mut taken = 0;
    payload.map(move |chunk| {
        let chunk = chunk.map_err(io::Error::other)?;
        taken += chunk.len() as u64;
        if limit > 0 && taken > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(chunk)
    })
}

fn too_large(limit: u64) -> Problem {
    Problem::new(
        actix_web::http::StatusCode::PAYLOAD_TOO_LARGE,
        "import_too_large",
        format!("An import may have up to {limit} bytes; send it in parts."),
    )
}

fn problem(error: ImportError, limit: u64) -> Problem {
    match error {
        ImportError::Header { column, message } => Problem::unprocessable(
            "invalid_header",
            format!("The header of the file cannot be used: `{column}`: {message}."),
            vec![FieldError::new(column, message)],
        ),
        ImportError::Read { error, report } => {
            let problem = match error.kind() {
                io::ErrorKind::FileTooLarge => too_large(limit),
                _ => Problem::bad_request(
                    "unreadable_body",
                    "The body could not be read to its end.",
                ),
            };
            with_report(problem, &report)
        }
        ImportError::Quotes { line, report } => with_report(
            Problem::unprocessable(
                "unclosed_quotes",
                format!(
                    "Quotes are not closed in so many places that reading stopped at line {line}."
                ),
                Vec::new(),
            ),
            &report,
        ),
        ImportError::Database { error, report } => with_report(error.into(), &report),
    }
}

fn with_report(problem: Problem, report: &Report) -> Problem {
    let rejected = serde_json::to_value(&report.rejected).unwrap_or_default();
    problem
        .with("imported", report.imported)
        .with("updated", report.updated)
        .with("rejected", rejected)
}
