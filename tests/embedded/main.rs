//! The embedded Postgres, with the real programs: each test has a data folder and a server of its
//! own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod deaths;
mod guards;
mod programs;
mod starts;

use std::fs;
use std::path::Path;
use std::time::Duration;

use cleave::embedded::{Cluster, DatabaseName, Options, Progress};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

const MODULES: [&str; 3] = ["users", "products", "orders"];

const PATIENCE: Duration = Duration::from_secs(60);

fn databases() -> Vec<DatabaseName> {
    MODULES
        .map(|module| DatabaseName::new(module).unwrap())
        .into()
}

fn options(data_dir: &Path) -> Options {
    Options {
        data_dir: data_dir.to_owned(),
        bin_dir: None,
        databases: databases(),
        progress: Progress::new(|line| eprintln!("{line}")),
    }
}

/// Leaves a cluster behind that has run before.
async fn start_and_stop(data_dir: &Path) {
    let cluster = Cluster::start(options(data_dir)).await.unwrap();
    cluster.stop().await;
}

async fn connect(options: PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(&options).await.unwrap()
}

fn server_process(data_dir: &Path) -> Pid {
    let file = fs::read_to_string(data_dir.join("pg/pgdata/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap())
}
