//! JSON bodies, merge patches and query strings: taken, or refused with a status of the client's.
#![no_main]

use cleave_fuzz::{block_on, choices};
use libfuzzer_sys::fuzz_target;
use products::fuzzing::request;

fuzz_target!(|data: &[u8]| {
    let Some(([kind], rest)) = choices(data) else {
        return;
    };
    if let Err(status) = block_on(request(kind, rest)) {
        assert!([400, 415, 422].contains(&status), "{status}");
    }
});
