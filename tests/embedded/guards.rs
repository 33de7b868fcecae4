//! What the server keeps, and from whom.

use std::fs;
use std::os::unix::fs::MetadataExt;

use cleave::embedded::Cluster;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::{MODULES, connect, options};

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
