//! Postgres' programs: found, fetched, or of another version.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use cleave::embedded::{Cluster, EmbeddedError, Options, Search};
use tempfile::TempDir;

use crate::{MODULES, connect, options, server_process, start_and_stop};

#[tokio::test]
async fn missing_programs_are_answered_with_what_to_do() {
    let home = TempDir::new().unwrap();
    let nowhere = Search::in_folders([PathBuf::from("/no/such/folder"), home.path().to_owned()]);
    let error = Cluster::start_with(options(home.path()), nowhere)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, EmbeddedError::ProgramsMissing(_)));
    let message = error.to_string();
    for part in [
        "/no/such/folder",
        home.path().to_str().unwrap(),
        "apt-get install postgresql",
        "dnf install postgresql-server",
        "brew install postgresql",
        "CLEAVE__EMBEDDED__BIN_DIR",
        "CLEAVE__MODULES__USERS__DATABASE_URL",
        "CLEAVE__MODULES__ORDERS__DATABASE_URL",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }

    let setting = Options {
        bin_dir: Some("/wrong/setting".into()),
        ..options(home.path())
    };
    let message = Cluster::start(setting).await.err().unwrap().to_string();
    assert!(message.contains("Looked in: /wrong/setting\n"), "{message}");
}

// Where the programs are installed, as in CI, apt and its servers may be out of reach.
#[tokio::test]
#[ignore = "needs apt and its servers"]
async fn programs_that_are_missing_are_fetched() {
    let home = TempDir::new().unwrap();
    for start in ["fetches", "finds what was fetched"] {
        let begun = Instant::now();
        let nowhere = Search::in_folders([]).or_fetch();
        let cluster = Cluster::start_with(options(home.path()), nowhere)
            .await
            .unwrap();
        for module in MODULES {
            let mut db = connect(cluster.connect_options(module)).await;
            let extension = "create extension if not exists pg_trgm";
            sqlx::raw_sql(extension).execute(&mut db).await.unwrap();
        }
        let program = fs::read_link(format!("/proc/{}/exe", server_process(home.path()))).unwrap();
        assert!(
            program.starts_with(home.path().join("pg/dist")),
            "{program:?}"
        );
        cluster.stop().await;
        println!("{start}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn programs_of_another_version_leave_the_cluster_alone() {
    let home = TempDir::new().unwrap();
    start_and_stop(home.path()).await;
    let version = home.path().join("pg/pgdata/PG_VERSION");
    let real = fs::read_to_string(&version).unwrap();
    fs::write(&version, "11\n").unwrap();
    let error = Cluster::start(options(home.path())).await.err().unwrap();
    assert!(
        matches!(error, EmbeddedError::WrongMajor { cluster: 11, .. }),
        "{error}"
    );
    fs::write(&version, real).unwrap();
    start_and_stop(home.path()).await;
}
