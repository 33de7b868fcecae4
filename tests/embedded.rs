//! The embedded Postgres, with the real programs: each test has a data folder and a server of its
//! own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cleave::embedded::{
    Cluster, DatabaseName, EmbeddedError, Options, Progress, Search, Server, State, attach,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid, getpgid};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::timeout;

const MODULES: [&str; 3] = ["users", "products", "orders"];
const PATIENCE: Duration = Duration::from_secs(60);

/// Names the data folder for `inserts_until_it_is_killed`.
const CHILD: &str = "EMBEDDED_TEST_CHILD";

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
async fn the_cluster_is_durable_and_listens_on_no_port() {
    let home = TempDir::new().unwrap();
    let cluster = Cluster::start(options(home.path())).await.unwrap();
    let mut admin = connect(cluster.admin_options()).await;
    for (setting, expected) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("max_connections", "200"),
        ("jit", "off"),
    ] {
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&mut admin)
            .await
            .unwrap();
        assert_eq!(value, expected, "{setting}");
    }
    let folded: String = sqlx::query_scalar("select lower('ÄÉÑ')")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    assert_eq!(folded, "äéñ");
    cluster.stop().await;
}

#[tokio::test]
async fn a_role_connects_to_its_own_database_only() {
    let home = TempDir::new().unwrap();
    let cluster = Cluster::start(options(home.path())).await.unwrap();
    let mut refused = 0;
    for module in MODULES {
        let own = format!("{module}_db");
        let others = [
            "users_db",
            "products_db",
            "orders_db",
            "postgres",
            "template1",
        ];
        for other in others.into_iter().filter(|other| *other != own) {
            let attempt = cluster.connect_options(module).database(other);
            let error = PgConnection::connect_with(&attempt).await.unwrap_err();
            let code = error
                .as_database_error()
                .and_then(|e| e.code())
                .map(|c| c.into_owned());
            assert_eq!(
                code.as_deref(),
                Some("42501"),
                "{module} on {other}: {error}"
            );
            refused += 1;
        }
        let mut db = connect(cluster.connect_options(module)).await;
        let (database, user, superuser): (String, String, String) = sqlx::query_as(
            "select current_database(), current_user, current_setting('is_superuser')",
        )
        .fetch_one(&mut db)
        .await
        .unwrap();
        assert_eq!(
            (database, user, superuser),
            (own, format!("{module}_user"), "off".into())
        );
    }
    assert_eq!(refused, 6 + 6);
    let wrong = cluster.connect_options("users").password("guess");
    let error = PgConnection::connect_with(&wrong).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "28P01");
    cluster.stop().await;
}

#[tokio::test]
async fn secrets_are_readable_by_their_owner_only() {
    let home = TempDir::new().unwrap();
    let cluster = Cluster::start(options(home.path())).await.unwrap();
    let pg = home.path().join("pg");
    let names = [
        "password",
        "password.users",
        "password.products",
        "password.orders",
    ];
    for name in names.into_iter().chain(["postgres.log"]) {
        assert_eq!(
            fs::metadata(pg.join(name)).unwrap().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
    for name in ["pgdata", "run"] {
        assert_eq!(
            fs::metadata(pg.join(name)).unwrap().mode() & 0o077,
            0,
            "{name}"
        );
    }
    let passwords = names.map(|name| fs::read_to_string(pg.join(name)).unwrap());
    assert!((0..4).all(|i| (0..i).all(|j| passwords[i] != passwords[j])));
    cluster.stop().await;
}

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
            .args(["--exact", "inserts_until_it_is_killed", "--nocapture"])
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
    Cluster::start(options(home.path()))
        .await
        .unwrap()
        .stop()
        .await;
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
    Cluster::start(options(home.path()))
        .await
        .unwrap()
        .stop()
        .await;
}

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
    Cluster::start(options(home.path()))
        .await
        .unwrap()
        .stop()
        .await;
    let version = home.path().join("pg/pgdata/PG_VERSION");
    let real = fs::read_to_string(&version).unwrap();
    fs::write(&version, "11\n").unwrap();
    let error = Cluster::start(options(home.path())).await.err().unwrap();
    assert!(
        matches!(error, EmbeddedError::WrongMajor { cluster: 11, .. }),
        "{error}"
    );
    fs::write(&version, real).unwrap();
    Cluster::start(options(home.path()))
        .await
        .unwrap()
        .stop()
        .await;
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

async fn connect(options: PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(&options).await.unwrap()
}

fn server_process(data_dir: &Path) -> Pid {
    let file = fs::read_to_string(data_dir.join("pg/pgdata/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap())
}
