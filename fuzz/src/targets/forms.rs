//! The form of a picture's upload: within its bounds, and the same in whatever pieces it comes.
use crate::{block_on, choices, pieces};
use products::fuzzing::form;

/// Small enough to be met.
const LIMIT: usize = 512;

pub fn run(data: &[u8]) {
    let Some(([how], rest)) = choices(data) else {
        return;
    };
    // The first line is the media type.
    let cut = rest.iter().position(|byte| *byte == b'\n');
    let (kind, body) = rest.split_at(cut.unwrap_or(0));
    let body = body.get(usize::from(cut.is_some())..).unwrap_or_default();

    let whole = block_on(form(kind, vec![body.to_vec()], LIMIT));
    let in_pieces = pieces(body, how).into_iter().map(<[u8]>::to_vec);
    let in_pieces = block_on(form(kind, in_pieces.collect(), LIMIT));
    match (whole, in_pieces) {
        (Ok((file, alt)), other) => {
            assert!((1..=LIMIT).contains(&file.len()));
            assert!(alt.chars().count() <= 500 && !alt.contains('\0'));
            assert_eq!(other, Ok((file, alt)));
        }
        // Of several things that are wrong, another may be met first.
        (Err(status), other) => {
            assert!((400..500).contains(&status));
            assert!(other.is_err_and(|status| (400..500).contains(&status)));
        }
    }
}
