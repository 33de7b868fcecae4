//! Reading products in bulk, in constant memory.
//!
//! Three formats: NDJSON (an object per line), our own CSV ([`COLUMNS`]), and Shopify's product
//! CSV ([`shopify`]). A record is matched by `sku`: a new one makes a product and needs a name and
//! a price; an existing one sets what the record has and leaves the rest. `null` in NDJSON and an
//! empty cell clear `category` and `handle`; an empty cell also clears `description` and
//! `attributes`, and leaves any other field as it is. `attributes` are set as a whole. Setting
//! `on_hand` is recorded as a movement of stock with the reason `import`.
//!
//! Fields of NDJSON: `sku, name, description, price {amount, currency}, category, category_slug,
//! category_id, handle, attributes, is_active, stock {on_hand}`. For `category` see [`category`].
//!
//! Every good record lands, in transactions of about a thousand; every other one is told by the
//! physical line on which it starts, and changes nothing. A SKU that comes again updates what came
//! before it.

pub mod category;
mod cells;
mod change;
mod flight;
mod format;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
pub mod http;
mod land;
mod ndjson;
mod parser;
mod price;
mod records;
pub mod shopify;
mod table;

use std::io;

use iso_currency::Currency;
use platform::Pool;
use serde::Serialize;
use tokio::io::AsyncRead;
use utoipa::ToSchema;
use uuid::Uuid;

use self::change::Change;
use self::flight::Flight;
use self::land::{Chunk, Lander};
use self::parser::Parser;
use self::records::{Next, Records};

use crate::bulk;

pub use format::Format;
pub use table::COLUMNS;

/// How many rejected lines an answer holds; further ones are only counted.
pub const MAX_REJECTED: usize = 10_000;

/// What became of the records of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub struct Report {
    /// Records that made a new product.
    #[schema(example = 41)]
    pub imported: u64,
    /// Records whose SKU was there already.
    #[schema(example = 1)]
    pub updated: u64,
    /// The records that were left out, in order of lines; the first 10,000 of them.
    pub rejected: Vec<RejectedLine>,
    /// How many were left out; only there when `rejected` does not hold them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_total: Option<u64>,
    /// Those past the first, until they are told.
    #[serde(skip)]
    untold: Vec<RejectedLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RejectedLine {
    /// The physical line on which the record starts, from 1.
    #[schema(example = 7)]
    pub line: u64,
    /// The field and what is wrong with it.
    #[schema(example = "price.amount: must be from 0 to 1000000000000")]
    pub message: String,
}

impl Report {
    fn reject(&mut self, mut lines: Vec<RejectedLine>) {
        lines.sort_by_key(|rejected| rejected.line);
        let total = self.rejected_total() + lines.len() as u64;
        let room = MAX_REJECTED - self.rejected.len();
        self.untold.extend(lines.drain(lines.len().min(room)..));
        self.rejected.append(&mut lines);
        self.rejected_total = (total > self.rejected.len() as u64).then_some(total);
    }

    fn progress(&mut self, bytes: u64) -> Progress {
        Progress {
            bytes,
            rejected: std::mem::take(&mut self.untold),
        }
    }

    /// How many records were left out.
    pub fn rejected_total(&self) -> u64 {
        self.rejected_total.unwrap_or(self.rejected.len() as u64)
    }
}

/// How far an import has come, told after each transaction.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Bytes read.
    pub bytes: u64,
    /// Lines left out that the report has no room for, each told once.
    pub rejected: Vec<RejectedLine>,
}

/// Why an import stopped. Where there is a report, what it tells has landed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Nothing has landed.
    #[error("the header cannot be used: {column}: {message}")]
    Header { column: String, message: String },
    #[error("the file could not be read to its end")]
    Read {
        #[source]
        error: io::Error,
        report: Box<Report>,
    },
    #[error("quotes are not closed in so many places that reading stopped at line {line}")]
    Quotes { line: u64, report: Box<Report> },
    #[error("the database did not take the records")]
    Database {
        #[source]
        error: sqlx::Error,
        report: Box<Report>,
    },
}

impl ImportError {
    fn header(column: &str, message: &str) -> Self {
        Self::Header {
            column: column.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// What a record asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Product(Box<Change>),
    /// An image for those of the products that have none.
    Image {
        skus: Vec<String>,
        url: String,
    },
}

/// Reads `reader` to its end. Prices are taken in `currency`; `actor` is who imports.
///
/// Dropping the future leaves what has landed so far.
pub async fn import<R: AsyncRead + Unpin>(
    pool: &Pool,
    currency: Currency,
    actor: Option<Uuid>,
    format: Format,
    reader: R,
    mut progress: impl FnMut(Progress),
) -> Result<Report, ImportError> {
    let mut report = Report::default();
    let mut records = Records::new(reader, format.division());
    let mut parser = match Parser::open(format, currency, &mut records).await {
        Ok(parser) => parser?,
        Err(error) => {
            let report = Box::new(report);
            return Err(ImportError::Read { error, report });
        }
    };
    let lander = Lander::new(pool.clone(), currency, actor, parser.names());
    let mut flight = Flight::new(lander);
    let read = read_all(
        &mut records,
        &mut parser,
        &mut flight,
        &mut report,
        &mut progress,
    )
    .await;
    // Also after a failure: what the report tells has landed, and nothing lands after it.
    let landed = flight.land(&mut report).await;
    progress(report.progress(records.bytes()));
    bulk::finish(pool, report.imported + report.updated).await;
    let ended = read.and(landed.map_err(Stop::Database));
    let report = Box::new(report);
    match ended {
        Ok(()) => Ok(*report),
        Err(Stop::Read(error)) => Err(ImportError::Read { error, report }),
        Err(Stop::Quotes { line }) => Err(ImportError::Quotes { line, report }),
        Err(Stop::Database(error)) => Err(ImportError::Database { error, report }),
    }
}

/// Why reading ended before the file.
enum Stop {
    Read(io::Error),
    Quotes { line: u64 },
    Database(sqlx::Error),
}

async fn read_all<R: AsyncRead + Unpin>(
    records: &mut Records<R>,
    parser: &mut Parser,
    flight: &mut Flight,
    report: &mut Report,
    mut progress: impl FnMut(Progress),
) -> Result<(), Stop> {
    let mut chunk = Chunk::default();
    loop {
        let next = records.next().await.map_err(Stop::Read)?;
        match next {
            Next::Record { line } => {
                let raw = records.raw();
                chunk.add(line, raw.len(), parser.read(raw));
            }
            Next::Broken { line, message } => chunk.add(line, 0, Err(message.to_owned())),
            Next::Lost { .. } | Next::End => {}
        }
        let done = matches!(next, Next::Lost { .. } | Next::End);
        if chunk.is_full() || done {
            let chunk = std::mem::take(&mut chunk);
            let started = flight.start(chunk, report).await;
            started.map_err(Stop::Database)?;
            progress(report.progress(records.bytes()));
        }
        match next {
            Next::End => return Ok(()),
            Next::Lost { line } => return Err(Stop::Quotes { line }),
            Next::Record { .. } | Next::Broken { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_so_many_rejected_lines_and_counts_the_rest() {
        let rejected = |line| RejectedLine {
            line,
            message: String::new(),
        };
        let mut report = Report::default();
        report.reject(vec![rejected(3), rejected(2)]);
        assert_eq!(report.rejected[0].line, 2);
        assert_eq!(report.rejected_total, None);
        report.reject((4..20_000).map(rejected).collect());
        let told = report.progress(0).rejected;
        assert_eq!(told.first(), Some(&rejected(10_002)));
        assert_eq!(told.last(), Some(&rejected(19_999)));
        report.reject(vec![rejected(20_000)]);
        assert_eq!(report.progress(0).rejected, [rejected(20_000)]);
        assert_eq!(report.progress(0).rejected, []);
        assert_eq!(report.rejected.len(), MAX_REJECTED);
        assert_eq!(report.rejected_total, Some(19_999));
    }
}
