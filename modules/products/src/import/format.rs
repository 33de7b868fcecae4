use std::path::Path;

use serde::Deserialize;
use utoipa::ToSchema;

use super::records::Division;

/// How a file is written. The header of a CSV tells ours from Shopify's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Ndjson,
    Csv,
}

/// The media types that [`Format::of_media_type`] knows.
pub const MEDIA_TYPES: [&str; 4] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "text/csv",
];

impl Format {
    /// `media_type` without parameters.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let known = MEDIA_TYPES
            .iter()
            .find(|known| known.eq_ignore_ascii_case(media_type))?;
        Some(match *known {
            "text/csv" => Self::Csv,
            _ => Self::Ndjson,
        })
    }

    /// By the extension, or else by how the file begins.
    pub fn of_file(path: &Path, beginning: &[u8]) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => return Self::Csv,
            Some("ndjson" | "jsonl" | "json") => return Self::Ndjson,
            _ => {}
        }
        let text = beginning.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(beginning);
        match text.trim_ascii_start().first() {
            Some(b'{') => Self::Ndjson,
            _ => Self::Csv,
        }
    }

    pub(super) fn division(self) -> Division {
        match self {
            Self::Ndjson => Division::Lines,
            Self::Csv => Division::Csv,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_told_by_name_or_beginning() {
        let of = |path: &str, beginning: &[u8]| Format::of_file(Path::new(path), beginning);
        assert_eq!(of("a.CSV", b"{"), Format::Csv);
        assert_eq!(of("a.jsonl", b"sku"), Format::Ndjson);
        assert_eq!(of("a", b"\xEF\xBB\xBF \n{\"sku\""), Format::Ndjson);
        assert_eq!(of("a.txt", b"sku,name"), Format::Csv);
        assert_eq!(Format::of_media_type("Text/CSV"), Some(Format::Csv));
        assert_eq!(Format::of_media_type("application/json"), None);
    }
}
