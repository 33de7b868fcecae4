//! Proving the books, on behalf of an operator.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, post, web};
use garde::Validate;
use platform::{Problem, body};
use ports::{Orders, Products};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::Operator;
use crate::reconcile::{Unfinished, reconcile};

/// A run takes as long as there are orders: no deadline.
pub const PATH: &str = "/ops/reconcile";

/// What a run needs; app data.
pub struct Auditor {
    books: Option<(Arc<dyn Orders>, Arc<dyn Products>)>,
    /// One run at a time.
    running: Mutex<()>,
    /// The end of the process is the end of a run.
    stop: CancellationToken,
}

impl Auditor {
    /// `books` are absent where orders or products are off.
    pub fn new(
        books: Option<(Arc<dyn Orders>, Arc<dyn Products>)>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            books,
            running: Mutex::default(),
            stop,
        }
    }
}

#[derive(Debug, Default, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Wanted {
    #[serde(default)]
    repair: bool,
}

#[post("/ops/reconcile")]
pub async fn run(
    _: Operator,
    auditor: web::Data<Auditor>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let wanted: Wanted = body::optional(&http, payload).await?;
    let (orders, products) = auditor.books.clone().ok_or_else(|| {
        let detail = "Neither orders nor products may be off: ask an instance that knows both.";
        Problem::conflict("books_out_of_reach", detail)
    })?;
    let _only_one = auditor.running.try_lock().map_err(|_| {
        let detail = "A run is under way on this instance; wait for its end.";
        Problem::conflict("reconcile_running", detail)
    })?;
    let run = reconcile(orders, products, wanted.repair, |found| {
        tracing::warn!("the books differ: {found}");
    });
    let report = auditor.stop.run_until_cancelled(run).await;
    let report = report
        .ok_or_else(Problem::unavailable)?
        .map_err(unfinished)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(report))
}

/// With what was found until then.
fn unfinished(Unfinished { report, cause }: Unfinished) -> Problem {
    let detail = format!("The books could not be read to their end: {cause}.");
    let report = serde_json::to_value(report).unwrap_or_default();
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        .with_header(header::RETRY_AFTER, "1")
        .with("report", report)
}
