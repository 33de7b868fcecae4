//! JSON bodies, merge patches and query strings: taken, or refused with a status of the client's.

use crate::{block_on, choices};
use products::fuzzing::request;

pub fn run(data: &[u8]) {
    let Some(([kind], rest)) = choices(data) else {
        return;
    };
    if let Err(status) = block_on(request(kind, rest)) {
        assert!([400, 415, 422].contains(&status), "{status}");
    }
}
