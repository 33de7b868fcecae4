//! A product as a line of a file.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::paths::Path;
use super::{Format, Row};
use crate::catalogue::product::Money;
use crate::import::COLUMNS;
use crate::spreadsheet::guarded;

/// As the import reads it; `null` clears what a product there has.
#[derive(Serialize)]
struct Line<'a> {
    sku: &'a str,
    name: &'a str,
    description: &'a str,
    price: Money,
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_slug: Option<&'a str>,
    handle: Option<&'a str>,
    attributes: &'a BTreeMap<String, String>,
    is_active: bool,
    stock: OnHand,
}

#[derive(Serialize)]
struct OnHand {
    on_hand: i64,
}

/// What stands before the first product.
pub(super) fn beginning(format: Format) -> Vec<u8> {
    match format {
        Format::Ndjson => Vec::new(),
        Format::Csv => format!("{}\n", COLUMNS.join(",")).into_bytes(),
    }
}

pub(super) fn write(
    format: Format,
    row: &Row,
    category: Option<&Path>,
    to: &mut Vec<u8>,
) -> Result<(), sqlx::Error> {
    let written = match format {
        Format::Ndjson => write_line(row, category, to).map_err(io::Error::from),
        Format::Csv => write_cells(row, category, to),
    };
    // Memory takes everything; a value that could not be written would be one that was not read.
    written.map_err(|error| sqlx::Error::Decode(error.into()))
}

fn write_line(
    row: &Row,
    category: Option<&Path>,
    to: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let line = Line {
        sku: &row.sku,
        name: &row.name,
        description: &row.description,
        price: Money {
            amount: row.price_minor,
            currency: row.currency.clone(),
        },
        category: category.map(|path| path.names.as_str()),
        category_slug: category.map(|path| path.slugs.as_str()),
        handle: row.handle.as_deref(),
        attributes: &row.attributes,
        is_active: row.is_active,
        stock: OnHand {
            on_hand: row.on_hand,
        },
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.push(b'\n');
    Ok(())
}

/// In the order of [`COLUMNS`].
fn write_cells(row: &Row, category: Option<&Path>, to: &mut Vec<u8>) -> io::Result<()> {
    let (names, slugs) = category.map_or(("", ""), |path| (&path.names, &path.slugs));
    let attributes = serde_json::to_string(&row.attributes)?;
    let numbers = (row.price_minor.to_string(), row.on_hand.to_string());
    let is_active = if row.is_active { "true" } else { "false" };
    let cells: [&str; COLUMNS.len()] = [
        &row.sku,
        &row.name,
        &row.description,
        &numbers.0,
        &row.currency,
        names,
        slugs,
        row.handle.as_deref().unwrap_or_default(),
        &attributes,
        is_active,
        &numbers.1,
    ];
    let mut writer = csv::Writer::from_writer(to);
    writer.write_record(cells.map(|cell| guarded(cell).into_owned()))?;
    writer.flush()
}
