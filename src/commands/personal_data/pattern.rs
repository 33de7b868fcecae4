//! Words as one regular expression of Postgres, in whatever case they are written. The database's
//! locale has no say: one without languages would not know that É is é.

use std::collections::BTreeSet;

/// Matches text that holds any of the words; also where quotes and backslashes in it are escaped, as
/// in JSON and arrays, and in bytes that Postgres has escaped.
pub fn pattern(words: &[String]) -> String {
    let mut alternatives = BTreeSet::new();
    for word in words {
        let escaped = word.replace('\\', r"\\").replace('"', "\\\"");
        alternatives.insert(in_any_case(word, literal));
        alternatives.insert(in_any_case(&escaped, literal));
        alternatives.insert(in_any_case(word, octal));
    }
    let alternatives: Vec<String> = alternatives.into_iter().collect();
    // The director: an expression of the usual kind, whatever the settings say.
    format!("***:{}", alternatives.join("|"))
}

/// Each character as itself, in upper and in lower case.
fn in_any_case(word: &str, write: fn(&str) -> String) -> String {
    let forms = |c: char| -> BTreeSet<String> {
        let (lower, upper) = (c.to_lowercase().collect(), c.to_uppercase().collect());
        [c.to_string(), lower, upper].into()
    };
    let character = |c: char| {
        let forms: Vec<String> = forms(c).iter().map(|form| write(form)).collect();
        match forms.as_slice() {
            [one] => one.clone(),
            several => format!("(?:{})", several.join("|")),
        }
    };
    word.chars().map(character).collect()
}

/// Letters and digits stand for themselves; a backslash before one of those would mean something.
fn literal(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// As `encode(bytes, 'escape')` writes it: what is not ASCII in octal, a backslash twice.
fn octal(text: &str) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'\\' => literal(r"\\"),
        0x80.. => format!(r"\\{byte:03o}"),
        _ => literal(&char::from(byte).to_string()),
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_matched_in_any_case_and_literally() {
        let words = ["a.É".to_owned()];
        let as_bytes = r"(?:A|a)\.(?:\\303\\211|\\303\\251)";
        let as_text = r"(?:A|a)\.(?:É|é)";
        assert_eq!(pattern(&words), format!("***:{as_bytes}|{as_text}"));
        let quoted = [r#"1"2"#.to_owned()];
        assert_eq!(pattern(&quoted), r#"***:1\"2|1\\\"2"#);
    }
}
