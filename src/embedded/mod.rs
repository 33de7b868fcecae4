//! A private Postgres for a machine that has none running: the system's own server programs, a
//! cluster of our own in `<data_dir>/pg`, reachable through a unix socket only, as durable as any
//! other.
//!
//! ```text
//! pg/lock           held (flock) by the process that runs the server; freed when that process dies
//! pg/running        where the server listens, for `attach`
//! pg/pgdata/        the cluster, marked with the file CLEAVE; without it, it is not ours to touch
//! pg/run/           the socket, mode 0700
//! pg/password*      the superuser's and each role's, mode 0600
//! pg/postgres.log
//! pg/dist/          Postgres' packages, where the system has none
//! ```
//!
//! The way of a start: `files` takes the lock, `programs` finds the programs, `identity`
//! decides who runs them, `initdb` makes the cluster once, `supervisor` runs the server,
//! `roles` gives each module its database.

mod access;
mod attach;
mod cluster;
mod command;
mod error;
mod fetch;
mod files;
mod identity;
mod initdb;
mod leftovers;
#[cfg(target_os = "linux")]
mod linux;
mod log;
mod missing;
mod names;
mod process;
mod programs;
mod roles;
mod search;
mod socket;
mod supervisor;
mod tools;

use std::path::PathBuf;

pub use attach::{Attached, Server, attach};
pub use cluster::Cluster;
pub use error::EmbeddedError;
pub use names::{DatabaseName, Progress};
pub use search::Search;
pub use supervisor::State;
pub use tools::{Tool, ToolMissing, Wanted};

#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster lives in the folder `pg` below it.
    pub data_dir: PathBuf,
    /// Where `postgres` and `initdb` are; searched for when absent.
    pub bin_dir: Option<PathBuf>,
    pub databases: Vec<DatabaseName>,
    /// Told about everything that takes longer than a moment.
    pub progress: Progress,
}
