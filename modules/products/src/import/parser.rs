use std::io;

use iso_currency::Currency;
use tokio::io::AsyncRead;

use super::cells::Cells;
use super::change::Names;
use super::records::{Next, Records};
use super::shopify::{self, Shopify};
use super::table::{self, Table};
use super::{Entry, Format, ImportError, ndjson};

/// Reads the records of one file.
pub enum Parser {
    Ndjson(Currency),
    Table(Table, Cells),
    Shopify(Box<Shopify>, Cells),
}

impl Parser {
    /// Reads the header, where the format has one.
    pub async fn open<R: AsyncRead + Unpin>(
        format: Format,
        currency: Currency,
        records: &mut Records<R>,
    ) -> io::Result<Result<Self, ImportError>> {
        if format == Format::Ndjson {
            return Ok(Ok(Self::Ndjson(currency)));
        }
        Ok(match records.next().await? {
            Next::Record { .. } => Self::below(records.raw(), currency),
            Next::Broken { message, .. } => Err(ImportError::header("header", message)),
            Next::Lost { .. } => Err(ImportError::header("header", "quotes are not closed")),
            Next::End => Err(ImportError::header("sku", "the file has no header")),
        })
    }

    fn below(header: &[u8], currency: Currency) -> Result<Self, ImportError> {
        let mut cells = Cells::new();
        cells
            .parse(header)
            .map_err(|message| ImportError::header("header", &message))?;
        if shopify::Header::is_shopify(&cells) {
            let shopify = Shopify::new(&cells, currency)?;
            return Ok(Self::Shopify(Box::new(shopify), cells));
        }
        Ok(Self::Table(Table::new(&cells, currency)?, cells))
    }

    pub fn names(&self) -> Names {
        match self {
            Self::Ndjson(_) => ndjson::NAMES,
            Self::Table(..) => table::NAMES,
            Self::Shopify(..) => shopify::NAMES,
        }
    }

    pub fn read(&mut self, raw: &[u8]) -> Result<Vec<Entry>, String> {
        match self {
            Self::Ndjson(currency) => {
                let change = ndjson::read(raw, *currency)?;
                Ok(vec![Entry::Product(Box::new(change))])
            }
            Self::Table(table, cells) => {
                cells.parse(raw)?;
                if cells.iter().all(|cell| cell.trim().is_empty()) {
                    return Ok(Vec::new());
                }
                let change = table.read(cells)?;
                Ok(vec![Entry::Product(Box::new(change))])
            }
            Self::Shopify(shopify, cells) => {
                cells.parse(raw)?;
                shopify.read(cells)
            }
        }
    }
}
