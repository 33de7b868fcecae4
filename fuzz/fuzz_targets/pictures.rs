//! Pictures: refused, or developed into files that are pictures of the size they say.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| products::fuzzing::picture(data));
