//! Text in a CSV that a spreadsheet may open.
//!
//! Programs take a cell that begins with one of a few characters for a formula, wherever it came from
//! (OWASP, "CSV Injection"). Such a cell is written with an apostrophe before it, which is how people
//! mark text there too, and read without it. A text that begins with apostrophes and goes on like a
//! formula gets one more, so that every text comes back as it was.

use std::borrow::Cow;

const BEGIN_A_FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// As it is written.
pub fn guarded(text: &str) -> Cow<'_, str> {
    match is_formula(text) {
        true => format!("'{text}").into(),
        false => text.into(),
    }
}

/// As it was meant.
pub fn bare(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text,
        _ => cell,
    }
}

fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(BEGIN_A_FORMULA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_marked_and_every_text_comes_back() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("-10%", "'-10%"),
            ("\t=1", "'\t=1"),
            ("'=1", "''=1"),
            ("''=1", "'''=1"),
            ("＝1", "'＝1"),
            ("'tis", "'tis"),
            ("a=1", "a=1"),
            ("", ""),
            ("'", "'"),
        ] {
            assert_eq!(guarded(text), cell);
            assert_eq!(bare(cell), text);
            assert_eq!(bare(&guarded(cell)), cell);
        }
    }
}
