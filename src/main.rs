use std::process::ExitCode;

use cleave::cli::Cli;
use cleave::commands;

fn main() -> ExitCode {
    commands::run(Cli::read())
}
