//! What libFuzzer drives: the target that `FUZZ_TARGET` names. One program for all of them, as most
//! of the time to build goes into linking. Without `scripts/fuzz` there is nothing in it.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod fuzzing {
    use std::sync::LazyLock;

    use cleave_fuzz::targets::{Target, named};
    use libfuzzer_sys::fuzz_target;

    static TARGET: LazyLock<Target> = LazyLock::new(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap();
        named(&name).unwrap_or_else(|| panic!("no target is called {name}"))
    });

    fuzz_target!(|data: &[u8]| TARGET(data));
}

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("scripts/fuzz builds and runs this");
}
