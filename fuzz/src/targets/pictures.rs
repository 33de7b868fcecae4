//! Pictures: refused, or developed into files that are pictures of the size they say.

pub fn run(data: &[u8]) {
    products::fuzzing::picture(data);
}
