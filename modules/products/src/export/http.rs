use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, web};
use futures_util::{Stream, StreamExt, stream};
use garde::Validate;
use platform::auth::Admin;
use platform::problem::ProblemDocument;
use platform::{Params, Problem};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use super::{Export, ExportError, Format, Part};
use crate::Module;

/// Each keeps a connection for as long as its client takes.
pub(crate) const AT_A_TIME: usize = 2;

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// How the file is written.
    #[garde(skip)]
    #[serde(default = "ndjson")]
    #[param(inline, value_type = Option<Format>, default = "ndjson")]
    format: Format,
}

fn ndjson() -> Format {
    Format::Ndjson
}

/// Exports all products.
///
/// Inactive ones too, with what is on hand and the path of their category, as they are at this moment. The file is
/// streamed and may be imported as it is: into an empty shop it brings the same catalogue. It has no pictures. In
/// CSV a text that a spreadsheet would take for a formula has an apostrophe before it, which the import takes off.
/// An export that breaks off ends without its last chunk.
#[utoipa::path(
    tag = "products",
    params(ExportQuery),
    responses(
        (status = 200, description = "The file; its lines are as the import takes them",
            content(
                (String = "application/x-ndjson",
                    example = json!("{\"sku\":\"MUG-1\",\"name\":\"Mug\",\"description\":\"\",\"price\":{\"amount\":1999,\"currency\":\"EUR\"},\"category\":\"Kitchen > Mugs\",\"category_slug\":\"kitchen/mugs\",\"handle\":\"mug\",\"attributes\":{},\"is_active\":true,\"stock\":{\"on_hand\":5}}\n")),
                (String = "text/csv",
                    example = json!("sku,name,description,price_amount,price_currency,category,category_slug,handle,attributes,is_active,on_hand\nMUG-1,Mug,,1999,EUR,Kitchen > Mugs,kitchen/mugs,mug,{},true,5\n")),
            ),
            headers(("Content-Disposition" = String, description = "A name for the file"))),
        (status = 429, description = "`too_many_exports`: wait until one is done", body = ProblemDocument),
    ),
)]
#[get("/products/export")]
pub(crate) async fn export_products(
    module: web::Data<Module>,
    _: Admin,
    Params(query): Params<ExportQuery>,
) -> Result<HttpResponse, Problem> {
    let place = Arc::clone(&module.exports).try_acquire_owned();
    let place = place.map_err(|_| too_many())?;
    let mut export = Export::begin(module.pool(), query.format)
        .await
        .map_err(problem)?;
    // What can fail at the beginning fails before the answer does.
    let first = export.next().await.map_err(problem)?;
    let (kind, name) = match query.format {
        Format::Ndjson => ("application/x-ndjson", "products.ndjson"),
        Format::Csv => ("text/csv", "products.csv"),
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ))
        .streaming(parts(export, first, place)))
}

fn parts(
    export: Export,
    first: Option<Part>,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Bytes, ExportError>> {
    let bytes = |part: Part| Bytes::from(part.bytes);
    let rest = stream::try_unfold((export, place), move |(mut export, place)| async move {
        let next = export
            .next()
            .await
            .inspect_err(|error| tracing::warn!(%error, cause = ?error, "an export breaks off"))?;
        Ok(next.map(|part| (Bytes::from(part.bytes), (export, place))))
    });
    stream::iter(first.map(bytes).map(Ok)).chain(rest)
}

fn problem(error: ExportError) -> Problem {
    match error {
        ExportError::Database(error) => error.into(),
        ExportError::TooLong => Problem::deadline_exceeded(),
    }
}

fn too_many() -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_exports",
        format!("{AT_A_TIME} exports are under way; wait until one is done."),
    )
    .with_header(header::RETRY_AFTER, "10")
}
