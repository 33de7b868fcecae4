//! The program as a process: its starts, its ends, and its commands.

mod away;
mod backup;
mod commands;
mod databases;
mod dial;
mod discretion;
mod events;
mod guide;
mod modules;
mod settings;
mod shutdown;
mod tls;
mod webhooks;

use std::process::{Command, Output};

pub use crate::support::on;

/// Runs a command to its end, off the async threads.
pub async fn run(mut command: Command) -> Output {
    let running = tokio::task::spawn_blocking(move || command.output().unwrap());
    running.await.unwrap()
}

pub fn said(output: &Output) -> String {
    let both = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8(both).unwrap()
}
