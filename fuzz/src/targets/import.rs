//! Files to be imported: whatever they hold, each record is told of by its line, and it does not
//! matter in which pieces the file comes.
use crate::{Pieces, block_on, choices, pieces};
use products::fuzzing::import;
use products::import::Format;

pub fn run(data: &[u8]) {
    let Some(([format, how], file)) = choices(data) else {
        return;
    };
    let format = match format % 2 {
        0 => Format::Ndjson,
        _ => Format::Csv,
    };
    let whole = block_on(import(format, file));
    let in_pieces = block_on(import(format, Pieces(pieces(file, how).into_iter())));
    assert_eq!(whole, in_pieces);

    let Ok(told) = whole else { return };
    let lines: Vec<u64> = told.iter().map(|(line, _)| *line).collect();
    match format {
        Format::Ndjson => assert_eq!(lines, filled(file)),
        Format::Csv => {
            assert!(lines.is_sorted_by(|one, other| one < other), "{lines:?}");
            let last = file.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            assert!(
                lines.iter().all(|line| (2..=last).contains(line)),
                "{lines:?}"
            );
        }
    }
}

/// The lines that are not blank.
fn filled(file: &[u8]) -> Vec<u64> {
    let text = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    let lines = (1..).zip(text.split(|byte| *byte == b'\n'));
    let filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    filled.map(|(number, _)| number).collect()
}
