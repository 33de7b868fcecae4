use crate::cli::Output;
use crate::settings::{Settings, print};

pub fn run(settings: &Settings, output: Output) {
    print!("{}", print(settings, output.json));
}
