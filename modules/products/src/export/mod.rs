//! The whole catalogue as a file that [`crate::import`] reads: inactive products too, with their stock
//! and the path of their category. Imported into an empty shop it makes the same catalogue, in the
//! same order.
//!
//! What it does not have: pictures, which are files of their own, and categories without products.
//!
//! A page of products at a time, all of one snapshot, so that it costs the same memory for every
//! catalogue and each statement is a short one. As long as the snapshot is kept, rows that change
//! cannot be cleaned up after; so whoever takes nothing for a minute, or is not done after half an
//! hour, is cut off.

pub mod http;
mod paths;
mod record;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use platform::{Pool, db};
use sqlx::types::Json;
use sqlx::{Postgres, Transaction};
use thiserror::Error;
use uuid::Uuid;

use self::paths::Paths;
pub use crate::import::Format;

const LONGEST: Duration = Duration::from_secs(30 * 60);

#[derive(Debug, Error)]
pub enum ExportError {
    #[error("the catalogue cannot be read")]
    Database(#[from] sqlx::Error),
    #[error("the export was not taken within half an hour")]
    TooLong,
}

/// An export under way.
pub struct Export {
    tx: Transaction<'static, Postgres>,
    format: Format,
    paths: Paths,
    began: Instant,
    /// `None` before the first page.
    after: Option<Uuid>,
}

/// Some whole lines of the file.
#[derive(Debug)]
pub struct Part {
    pub bytes: Vec<u8>,
    pub products: usize,
}

impl Export {
    /// What is committed later is not in it.
    pub async fn begin(pool: &Pool, format: Format) -> Result<Self, ExportError> {
        let begin = "begin isolation level repeatable read read only";
        let mut tx = db::begin_with(pool, begin).await?;
        sqlx::query!("select set_config('idle_in_transaction_session_timeout', '60s', true)")
            .fetch_one(&mut *tx)
            .await?;
        Ok(Self {
            tx,
            format,
            paths: Paths::default(),
            began: Instant::now(),
            after: None,
        })
    }

    /// How many products there are.
    pub async fn count(&mut self) -> Result<u64, ExportError> {
        let count = sqlx::query_scalar!(r#"select count(*) as "count!" from products"#)
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// The next lines; `None` when there are no more.
    pub async fn next(&mut self) -> Result<Option<Part>, ExportError> {
        if self.began.elapsed() > LONGEST {
            return Err(ExportError::TooLong);
        }
        let first = self.after.is_none();
        let rows = self.page().await?;
        let Some(last) = rows.last() else {
            self.after.get_or_insert_default();
            let header = first.then(|| record::beginning(self.format));
            return Ok(header
                .filter(|header| !header.is_empty())
                .map(|bytes| Part { bytes, products: 0 }));
        };
        self.after = Some(last.id);
        let categories = rows.iter().filter_map(|row| row.category_id);
        self.paths.learn(&mut self.tx, categories).await?;
        let mut bytes = match first {
            true => record::beginning(self.format),
            false => Vec::new(),
        };
        let products = rows.len();
        for row in rows {
            let category = row.category_id.and_then(|id| self.paths.of(id));
            record::write(self.format, &row, category, &mut bytes)?;
        }
        Ok(Some(Part { bytes, products }))
    }

    /// In the order in which they were made.
    async fn page(&mut self) -> Result<Vec<Row>, sqlx::Error> {
        sqlx::query_as!(
            Row,
            r#"
            select p.id, p.sku, p.name, p.description, p.price_minor, p.currency, p.category_id,
                p.handle, p.attributes as "attributes: Json<BTreeMap<String, String>>",
                p.is_active, s.on_hand
            from products p join stock s on s.product_id = p.id
            -- Said of both, so that each is read from there on.
            where p.id > $1 and s.product_id > $1
            order by p.id
            limit 500
            "#,
            self.after.unwrap_or_default(),
        )
        .fetch_all(&mut *self.tx)
        .await
    }
}

/// What is exported of a product.
#[derive(Debug)]
struct Row {
    id: Uuid,
    sku: String,
    name: String,
    description: String,
    price_minor: i64,
    currency: String,
    category_id: Option<Uuid>,
    handle: Option<String>,
    attributes: Json<BTreeMap<String, String>>,
    is_active: bool,
    on_hand: i64,
}
