//! Nothing that was acknowledged is lost, whatever dies when.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use cleave::embedded::{Cluster, State};
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpgid;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{MODULES, PATIENCE, connect, options, server_process, start_and_stop};

/// Names the data folder for `inserts_until_it_is_killed`.
const CHILD: &str = "EMBEDDED_TEST_CHILD";

#[tokio::test]
async fn a_start_that_was_cut_short_heals() {
    let home = TempDir::new().unwrap();
    let pg = home.path().join("pg");
    fs::create_dir_all(pg.join("pgdata.init/base")).unwrap();
    fs::write(pg.join("pgdata.init/PG_VERSION"), "15\n").unwrap();
    let cluster = Cluster::start(options(home.path())).await.unwrap();

    // As if it had ended before the end of the last database, and before a role's password was
    // written down.
    let mut admin = connect(cluster.admin_options()).await;
    for statement in [
        "drop database orders_db",
        "drop role orders_user",
        "comment on database users_db is null",
    ] {
        sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
    }
    drop(admin);
    cluster.stop().await;
    fs::remove_file(pg.join("password.orders")).unwrap();
    fs::remove_file(pg.join("password.products")).unwrap();

    let cluster = Cluster::start(options(home.path())).await.unwrap();
    for module in MODULES {
        connect(cluster.connect_options(module)).await;
    }
    cluster.stop().await;
}

#[tokio::test]
async fn every_acknowledged_row_survives_the_death_of_the_process() {
    // First the server learns of the death by itself; then nobody is left to shut it down in order.
    for (server_too, mode) in [(false, 0o755), (false, 0o700), (true, 0o755)] {
        let home = TempDir::new().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(mode)).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "deaths::inserts_until_it_is_killed",
                "--nocapture",
            ])
            .env(CHILD, home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let acknowledged: Vec<i64> = lines
            .filter_map(|line| line.strip_prefix("row ")?.parse().ok())
            .take(200)
            .collect();
        assert_eq!(acknowledged.len(), 200, "the child ended by itself");
        let server = server_process(home.path());
        assert_eq!(
            getpgid(Some(server)),
            Ok(server),
            "Ctrl-C in a terminal would reach it"
        );
        if server_too {
            kill(server, Signal::SIGKILL).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let begun = Instant::now();
        while cfg!(target_os = "linux") && fs::read_link(format!("/proc/{server}/cwd")).is_ok() {
            assert!(begun.elapsed() < PATIENCE, "the server stayed behind");
            tokio::task::yield_now().await;
        }

        let cluster = Cluster::start(options(home.path())).await.unwrap();
        let mut db = connect(cluster.connect_options("orders")).await;
        let there: Vec<i64> = sqlx::query_scalar("select n from sold")
            .fetch_all(&mut db)
            .await
            .unwrap();
        let lost: Vec<_> = acknowledged.iter().filter(|n| !there.contains(n)).collect();
        assert!(lost.is_empty(), "lost {lost:?}");
        cluster.stop().await;
    }
}

/// The child of the test above; in a run of all tests it has nothing to do.
#[tokio::test]
async fn inserts_until_it_is_killed() {
    let Some(home) = std::env::var_os(CHILD) else {
        return;
    };
    let cluster = Cluster::start(options(Path::new(&home))).await.unwrap();
    let mut db = connect(cluster.connect_options("orders")).await;
    sqlx::raw_sql("create table if not exists sold (n bigserial)")
        .execute(&mut db)
        .await
        .unwrap();
    loop {
        let row: i64 = sqlx::query_scalar("insert into sold default values returning n")
            .fetch_one(&mut db)
            .await
            .unwrap();
        println!("row {row}");
    }
}

#[tokio::test]
async fn stale_files_of_a_killed_server_do_not_stop_a_start() {
    let home = TempDir::new().unwrap();
    start_and_stop(home.path()).await;
    let pg = home.path().join("pg");
    // A process that lives, but is no Postgres: this one.
    let pid = std::process::id();
    let stale = format!(
        "{pid}\n{}\n1700000000\n5432\n/nowhere\n\n1 1\nready\n",
        pg.join("pgdata").display()
    );
    fs::write(pg.join("pgdata/postmaster.pid"), stale).unwrap();
    fs::write(pg.join("run/.s.PGSQL.5432"), "").unwrap();
    fs::write(pg.join("run/.s.PGSQL.5432.lock"), format!("{pid}\n")).unwrap();
    fs::write(pg.join("running"), "/nowhere").unwrap();

    let cluster = Cluster::start(options(home.path())).await.unwrap();
    connect(cluster.connect_options("users")).await;
    cluster.stop().await;
}

#[tokio::test]
async fn a_server_that_dies_is_started_again() {
    let home = TempDir::new().unwrap();
    let cluster = Cluster::start(options(home.path())).await.unwrap();
    let mut state = cluster.state();
    assert_eq!(*state.borrow(), State::Running);
    for attempt in 1..=2 {
        kill(server_process(home.path()), Signal::SIGKILL).unwrap();
        let restarting = timeout(PATIENCE, state.wait_for(|s| *s != State::Running)).await;
        assert_eq!(*restarting.unwrap().unwrap(), State::Restarting { attempt });
        timeout(PATIENCE, state.wait_for(|s| *s == State::Running))
            .await
            .unwrap()
            .unwrap();
        connect(cluster.connect_options("products")).await;
    }
    cluster.stop().await;
    assert!(state.changed().await.is_err());
}

#[tokio::test]
async fn a_server_that_cannot_start_is_tried_until_it_can() {
    let home = TempDir::new().unwrap();
    let cluster = Cluster::start(options(home.path())).await.unwrap();
    let mut state = cluster.state();
    let control = home.path().join("pg/pgdata/global/pg_control");
    fs::rename(&control, control.with_extension("away")).unwrap();
    kill(server_process(home.path()), Signal::SIGKILL).unwrap();
    let tried = |s: &State| matches!(s, State::Restarting { attempt: 4.. });
    timeout(PATIENCE, state.wait_for(tried))
        .await
        .unwrap()
        .unwrap();
    fs::rename(control.with_extension("away"), &control).unwrap();
    timeout(PATIENCE, state.wait_for(|s| *s == State::Running))
        .await
        .unwrap()
        .unwrap();
    connect(cluster.connect_options("users")).await;

    // A stop does not wait for the end of a pause.
    fs::rename(&control, control.with_extension("away")).unwrap();
    kill(server_process(home.path()), Signal::SIGKILL).unwrap();
    timeout(PATIENCE, state.wait_for(|s| *s != State::Running))
        .await
        .unwrap()
        .unwrap();
    cluster.stop().await;

    let error = Cluster::start(options(home.path()))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("pg_control") && error.contains("postgres.log"),
        "{error}"
    );
    fs::rename(control.with_extension("away"), &control).unwrap();
    start_and_stop(home.path()).await;
}
