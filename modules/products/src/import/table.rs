use iso_currency::Currency;
use serde_json::Value;

use super::ImportError;
use super::category::Category;
use super::cells::Cells;
use super::change::{Change, Cleared, Names};
use super::ndjson;
use crate::spreadsheet;

pub const NAMES: Names = Names {
    price: "price_amount",
    on_hand: "on_hand",
    ..ndjson::NAMES
};

/// The columns of our own CSV, in the order in which an export writes them.
pub const COLUMNS: [&str; 11] = [
    "sku",
    "name",
    "description",
    "price_amount",
    "price_currency",
    "category",
    "category_slug",
    "handle",
    "attributes",
    "is_active",
    "on_hand",
];

/// Reads the records below a header.
#[derive(Debug)]
pub struct Table {
    /// Where each of [`COLUMNS`] stands.
    at: [Option<usize>; COLUMNS.len()],
    width: usize,
    currency: Currency,
}

impl Table {
    pub fn new(header: &Cells, currency: Currency) -> Result<Self, ImportError> {
        let mut at = [None; COLUMNS.len()];
        for (index, name) in header.iter().enumerate() {
            let name = name.trim();
            let known = COLUMNS
                .iter()
                .position(|column| column.eq_ignore_ascii_case(name));
            let slot = known
                .map(|column| &mut at[column])
                .ok_or_else(|| unknown(name))?;
            if slot.replace(index).is_some() {
                return Err(ImportError::header(name, "the column appears twice"));
            }
        }
        if at[0].is_none() {
            return Err(ImportError::header("sku", "the column is missing"));
        }
        Ok(Self {
            at,
            width: header.len(),
            currency,
        })
    }

    pub fn read(&self, cells: &Cells) -> Result<Change, String> {
        cells.fits(self.width)?;
        let cell = |name: &str| self.cell(cells, name);
        let filled = |name: &str| cell(name).filter(|cell| !cell.is_empty());
        let change = Change {
            id: uuid::Uuid::nil(),
            sku: filled("sku").ok_or("sku: is required")?.to_owned(),
            name: filled("name").map(str::to_owned),
            description: cell("description").map(str::to_owned),
            price_minor: self.price(filled("price_amount"), filled("price_currency"))?,
            category: category(cell("category"), filled("category_slug"))?,
            handle: cell("handle").map(|handle| match handle {
                "" => Cleared::Clear,
                handle => Cleared::To(handle.to_owned()),
            }),
            attributes: match cell("attributes") {
                None => None,
                Some("") => Some(ndjson::attributes(serde_json::Map::new())?),
                Some(text) => match serde_json::from_str(text) {
                    Ok(Value::Object(members)) => Some(ndjson::attributes(members)?),
                    _ => return Err("attributes: must be a JSON object".to_owned()),
                },
            },
            is_active: filled("is_active").map(is_active).transpose()?,
            on_hand: filled("on_hand")
                .map(|text| integer("on_hand", text))
                .transpose()?,
        };
        change.check(&NAMES)?;
        Ok(change)
    }

    /// `None` where the file has no such column.
    fn cell<'a>(&self, cells: &'a Cells, name: &str) -> Option<&'a str> {
        let column = COLUMNS.iter().position(|column| *column == name)?;
        self.at[column].map(|index| spreadsheet::bare(cells.get(index)))
    }

    fn price(&self, amount: Option<&str>, code: Option<&str>) -> Result<Option<i64>, String> {
        if code.is_some_and(|code| code.trim() != self.currency.code()) {
            return Err(ndjson::other_currency("price_currency", self.currency));
        }
        amount
            .map(|amount| integer("price_amount", amount))
            .transpose()
    }
}

fn unknown(name: &str) -> ImportError {
    let shown: String = name.chars().take(100).collect();
    let known = COLUMNS.join(", ");
    ImportError::header(
        &shown,
        &format!("is not a column; the columns are {known}, or those of Shopify's product CSV"),
    )
}

fn category(path: Option<&str>, slugs: Option<&str>) -> Result<Option<Cleared<Category>>, String> {
    match (path, slugs) {
        (None | Some(""), Some(_)) => Err("category_slug: goes with `category`".to_owned()),
        (None, None) => Ok(None),
        (Some(""), None) => Ok(Some(Cleared::Clear)),
        (Some(path), slugs) => Ok(Some(Cleared::To(Category::parse(path, slugs)?))),
    }
}

fn is_active(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("is_active: must be true or false".to_owned()),
    }
}

fn integer(field: &str, text: &str) -> Result<i64, String> {
    let number = text.trim().parse();
    number.map_err(|_| format!("{field}: must be an integer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(record: &str) -> Cells {
        let mut cells = Cells::new();
        cells.parse(record.as_bytes()).unwrap();
        cells
    }

    fn table(header: &str) -> Table {
        Table::new(&cells(header), Currency::EUR).unwrap()
    }

    #[test]
    fn reads_what_the_columns_say() {
        let all = table(&COLUMNS.join(","));
        let record = r#"A,N,"D, with
line",5,EUR,X > Y,x/y,h,"{""Size"":""S""}",FALSE,3"#;
        let change = all.read(&cells(record)).unwrap();
        assert_eq!(change.description.as_deref(), Some("D, with\nline"));
        assert_eq!(change.price_minor, Some(5));
        assert_eq!(change.attributes.unwrap().map()["Size"], "S");
        assert_eq!(change.is_active, Some(false));
        assert_eq!(change.on_hand, Some(3));
    }

    #[test]
    fn leaves_alone_what_is_not_there_and_clears_what_is_empty() {
        let change = table("on_hand,sku").read(&cells("7,A")).unwrap();
        let wanted = Change {
            sku: "A".to_owned(),
            on_hand: Some(7),
            ..Change::default()
        };
        assert_eq!(change, wanted);

        let change = table(&COLUMNS.join(","))
            .read(&cells("A,,,,,,,,,,"))
            .unwrap();
        assert_eq!(change.name, None);
        assert_eq!(change.price_minor, None);
        assert_eq!(change.description.as_deref(), Some(""));
        assert_eq!(change.handle, Some(Cleared::Clear));
        assert_eq!(change.category, Some(Cleared::Clear));
        assert!(change.attributes.unwrap().map().is_empty());
    }

    #[test]
    fn refuses_a_header_naming_the_column() {
        for (header, column) in [
            ("sku,colour", "colour"),
            ("sku,name,SKU", "SKU"),
            ("name", "sku"),
            ("sku;name", "sku;name"),
            ("sku,", ""),
        ] {
            match Table::new(&cells(header), Currency::EUR).unwrap_err() {
                ImportError::Header { column: named, .. } => assert_eq!(named, column),
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn names_the_column_of_a_bad_cell() {
        let all = table("sku,price_amount,price_currency,attributes,is_active,on_hand,category");
        for (record, column) in [
            (",1,EUR,,,,", "sku: "),
            ("A,1.5,EUR,,,,", "price_amount: "),
            ("A,-1,EUR,,,,", "price_amount: "),
            ("A,1,USD,,,,", "price_currency: "),
            ("A,1,,[],,,", "attributes: "),
            ("A,1,,,yes,,", "is_active: "),
            ("A,1,,,,-1,", "on_hand: "),
            ("A,1,,,,x,", "on_hand: "),
            ("A,1,,,,,a >", "category: "),
            ("A,1", "the record has 2 fields"),
        ] {
            let message = all.read(&cells(record)).unwrap_err();
            assert!(message.starts_with(column), "{record} -> {message}");
        }
    }
}
