//! Whoever starts it: again, second, while it starts, and in folders that will not do.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cleave::embedded::{Cluster, EmbeddedError, Options, Server, attach};
use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::{MODULES, connect, databases, options, server_process};

#[tokio::test]
async fn a_later_start_finds_everything_and_is_quick() {
    let home = TempDir::new().unwrap();
    let begun = Instant::now();
    let cluster = Cluster::start(options(home.path())).await.unwrap();
    let first = begun.elapsed();
    for module in MODULES {
        let mut db = connect(cluster.connect_options(module)).await;
        sqlx::raw_sql(
            "create extension pg_trgm; create table kept (n int); insert into kept values (7)",
        )
        .execute(&mut db)
        .await
        .unwrap();
    }
    cluster.stop().await;

    let begun = Instant::now();
    let cluster = Cluster::start(options(home.path())).await.unwrap();
    let later = begun.elapsed();
    for module in MODULES {
        let mut db = connect(cluster.connect_options(module)).await;
        let kept: i32 = sqlx::query_scalar("select n from kept")
            .fetch_one(&mut db)
            .await
            .unwrap();
        assert_eq!(kept, 7);
    }
    cluster.stop().await;
    println!("first start {first:?}, later start {later:?}");
    assert!(
        later < first && later < Duration::from_secs(5),
        "{first:?}, then {later:?}"
    );
}

#[tokio::test]
async fn a_second_instance_is_refused_and_a_command_joins() {
    let home = TempDir::new().unwrap();
    assert!(attach(home.path(), &databases()).await.unwrap().is_none());
    let cluster = Cluster::start(Options {
        databases: vec![],
        ..options(home.path())
    })
    .await
    .unwrap();

    let second = Cluster::start(options(home.path())).await.err().unwrap();
    assert!(
        matches!(&second, EmbeddedError::InUse { folder } if folder.ends_with("pg")),
        "{second}"
    );

    let joined = Server::open(options(home.path())).await.unwrap();
    assert!(matches!(joined, Server::Attached(_)));
    for module in MODULES {
        connect(joined.connect_options(module)).await;
    }
    joined.close().await;
    connect(cluster.admin_options()).await;
    cluster.stop().await;

    assert!(attach(home.path(), &databases()).await.unwrap().is_none());
    let own = Server::open(options(home.path())).await.unwrap();
    assert!(matches!(own, Server::Own(_)));
    connect(own.connect_options("users")).await;
    own.close().await;
    assert!(!home.path().join("pg/pgdata/postmaster.pid").exists());
}

#[tokio::test]
async fn a_command_waits_for_the_instance_that_is_starting() {
    let home = TempDir::new().unwrap();
    let (first, second) = tokio::join!(Server::open(options(home.path())), async {
        while !home.path().join("pg/lock").exists() {
            tokio::task::yield_now().await;
        }
        Server::open(options(home.path())).await
    });
    let (first, second) = (first.unwrap(), second.unwrap());
    connect(second.connect_options("orders")).await;
    assert!(matches!(
        (&first, &second),
        (Server::Own(_), Server::Attached(_))
    ));
    second.close().await;
    first.close().await;
}

#[tokio::test]
async fn what_it_did_not_make_is_left_alone() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("pg/pgdata");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "15\n").unwrap();
    let error = Cluster::start(options(home.path())).await.err().unwrap();
    assert!(matches!(error, EmbeddedError::NotOurs { .. }), "{error}");
    assert!(error.to_string().contains(data.to_str().unwrap()));
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1);
}

#[tokio::test]
async fn an_impossible_data_folder_is_named() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    for folder in [file.clone(), file.join("below")] {
        let error = Cluster::start(options(&folder))
            .await
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(folder.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_one() {
    let home = TempDir::new().unwrap();
    let deep = home
        .path()
        .join("a, \"quoted\" folder")
        .join("x".repeat(90))
        .join("y".repeat(90));
    let cluster = Cluster::start(options(&deep)).await.unwrap();
    connect(cluster.connect_options("users")).await;
    let socket = PathBuf::from(fs::read_to_string(deep.join("pg/running")).unwrap());
    assert!(!socket.starts_with(&deep));
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o700);
    let joined = Server::open(options(&deep)).await.unwrap();
    connect(joined.connect_options("users")).await;
    cluster.stop().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn root_hands_the_server_to_somebody_else() {
    if !geteuid().is_root() {
        return;
    }
    // A folder that others may enter: another user. One that only root may enter: a user namespace,
    // if there are any.
    for (mode, mapped) in [(0o755, false), (0o700, true)] {
        let home = TempDir::new().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(mode)).unwrap();
        for _ in 0..2 {
            let cluster = match Cluster::start(options(home.path())).await {
                Err(EmbeddedError::NobodyToRunIt { why }) if mapped => {
                    return println!("skipped: {why}");
                }
                other => other.unwrap(),
            };
            connect(cluster.connect_options("users")).await;
            let data = fs::metadata(home.path().join("pg/pgdata")).unwrap();
            assert_eq!(data.uid() == 0, mapped);
            let process = fs::metadata(format!("/proc/{}", server_process(home.path()))).unwrap();
            assert_eq!(process.uid(), data.uid());
            cluster.stop().await;
        }
    }
}
