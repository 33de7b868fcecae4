use super::super::ImportError;
use super::super::cells::Cells;

/// The columns that are read; any other is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Column {
    Handle,
    Title,
    Body,
    Vendor,
    Type,
    Tags,
    Published,
    Status,
    Option1Name,
    Option1Value,
    Option2Name,
    Option2Value,
    Option3Name,
    Option3Value,
    Sku,
    Quantity,
    Price,
    ImageSrc,
    VariantImage,
}

pub const OPTIONS: [(Column, Column); 3] = [
    (Column::Option1Name, Column::Option1Value),
    (Column::Option2Name, Column::Option2Value),
    (Column::Option3Name, Column::Option3Value),
];

/// Each column with the names that Shopify's exports and its newer template give it.
const NAMES: [(Column, &[&str]); 19] = [
    (Column::Handle, &["Handle", "URL handle"]),
    (Column::Title, &["Title"]),
    (Column::Body, &["Body (HTML)", "Description"]),
    (Column::Vendor, &["Vendor"]),
    (Column::Type, &["Type"]),
    (Column::Tags, &["Tags"]),
    (
        Column::Published,
        &["Published", "Published on online store"],
    ),
    (Column::Status, &["Status"]),
    (Column::Option1Name, &["Option1 Name"]),
    (Column::Option1Value, &["Option1 Value"]),
    (Column::Option2Name, &["Option2 Name"]),
    (Column::Option2Value, &["Option2 Value"]),
    (Column::Option3Name, &["Option3 Name"]),
    (Column::Option3Value, &["Option3 Value"]),
    (Column::Sku, &["Variant SKU", "SKU"]),
    (
        Column::Quantity,
        &["Variant Inventory Qty", "Inventory quantity"],
    ),
    (Column::Price, &["Variant Price", "Price"]),
    (Column::ImageSrc, &["Image Src", "Product image URL"]),
    (
        Column::VariantImage,
        &["Variant Image", "Variant image URL"],
    ),
];

impl Column {
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1[0]
    }
}

/// Where the columns stand.
#[derive(Debug)]
pub struct Header {
    at: [Option<usize>; NAMES.len()],
    pub width: usize,
}

impl Header {
    /// Whether this is the header of one of Shopify's files: ours has no title.
    pub fn is_shopify(header: &Cells) -> bool {
        find(header, Column::Handle).is_some() && find(header, Column::Title).is_some()
    }

    pub fn new(header: &Cells) -> Result<Self, ImportError> {
        let at = NAMES.map(|(column, _)| find(header, column));
        if at[Column::Price as usize].is_none() {
            return Err(ImportError::header(
                Column::Price.name(),
                "the column is missing",
            ));
        }
        Ok(Self {
            at,
            width: header.len(),
        })
    }

    /// The trimmed text of a cell; empty where the file has no such column.
    pub fn cell<'a>(&self, cells: &'a Cells, column: Column) -> &'a str {
        self.at[column as usize].map_or("", |index| cells.get(index).trim())
    }
}

fn find(header: &Cells, column: Column) -> Option<usize> {
    let names = NAMES[column as usize].1;
    header.iter().position(|cell| {
        names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(cell.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_stand_in_the_order_of_the_columns() {
        for (index, (column, _)) in NAMES.iter().enumerate() {
            assert_eq!(*column as usize, index);
        }
    }
}
