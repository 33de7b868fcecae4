use crate::catalogue::rules::MOST;

/// Reads a decimal price such as `9.99`, `50` or `1,234.50` as minor units of a currency with
/// `exponent` decimal digits. Exact: digits that the currency does not have must be zero.
pub fn minor_units(text: &str, exponent: usize) -> Result<i64, &'static str> {
    const SHAPE: &str = "must be a decimal number such as 1234.50";
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(SHAPE),
        Some(parts) => parts,
        None => (text, ""),
    };
    let whole = ungrouped(whole).ok_or(SHAPE)?;
    if whole.is_empty()
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit())
    {
        return Err(SHAPE);
    }
    let (kept, beyond) = fraction.split_at(exponent.min(fraction.len()));
    if beyond.bytes().any(|b| b != b'0') {
        return Err("has more decimal digits than the currency");
    }
    format!("{whole}{kept:0<exponent$}")
        .parse()
        .ok()
        .filter(|minor| *minor <= MOST)
        .ok_or("is too high")
}

/// Without the commas between groups of three digits.
fn ungrouped(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next()?;
    if whole.len() == first.len() {
        return Some(whole.to_owned());
    }
    let regular = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    regular.then(|| whole.replace(',', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimals_exactly() {
        for (text, exponent, minor) in [
            ("9.99", 2, 999),
            ("50", 2, 5000),
            ("0", 2, 0),
            ("0.1", 2, 10),
            ("1,234.50", 2, 123_450),
            ("1,234,567", 2, 123_456_700),
            ("10.000", 2, 1000),
            ("500", 0, 500),
            ("500.00", 0, 500),
            ("1.234", 3, 1234),
            ("0000000000000000000001.00", 2, 100),
            ("10000000000.00", 2, MOST),
        ] {
            assert_eq!(minor_units(text, exponent), Ok(minor), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_price() {
        for (text, exponent) in [
            ("", 2),
            (".", 2),
            (".5", 2),
            ("5.", 2),
            ("-1", 2),
            ("+1", 2),
            ("1,50", 2),
            ("1.234,50", 2),
            (",123", 2),
            ("1234,567", 2),
            ("1e3", 2),
            ("9.999", 2),
            ("0.5", 0),
            ("€5", 2),
            ("٣", 2),
            ("10000000000.01", 2),
            ("99999999999999999999999", 2),
        ] {
            assert!(minor_units(text, exponent).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_back_what_it_would_print() {
        for _ in 0..10_000 {
            let minor = rand::random_range(0..=MOST);
            let text = format!("{}.{:02}", minor / 100, minor % 100);
            assert_eq!(minor_units(&text, 2), Ok(minor), "{text}");
            assert_eq!(minor_units(&minor.to_string(), 0), Ok(minor));
        }
    }
}
