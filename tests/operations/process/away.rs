use nix::sys::signal::Signal;
use reqwest::Method;
use sqlx::{Connection, PgConnection};

use crate::support::{Process, command, eventually, free_address, roomy_folder, server_of};

const SHOWN: &str = "the password is shown this once";

/// The first admin is made when the database comes; the process does not end over it.
#[tokio::test]
async fn a_start_without_the_users_database() {
    let folder = roomy_folder();
    let address = free_address();
    let serve = || command(folder.path(), address, &["serve"]);
    let as_superuser = async |database: &str, statement: &'static str| {
        let server = server_of(folder.path()).await.unwrap();
        let options = server.admin_options().database(database);
        let mut db = PgConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut db).await.unwrap();
    };
    let process = Process::serve(serve(), address).await;
    eventually("there is an admin", async || process.log().contains(SHOWN)).await;
    as_superuser("users_db", "truncate users cascade").await;
    as_superuser("postgres", "alter database users_db connection limit 0").await;
    process.signal(Signal::SIGTERM);
    assert_eq!(process.ended().await, Some(0));

    let mut process = Process::spawn(serve(), address);
    eventually("it says that the database is away", async || {
        assert!(process.has_ended().is_none(), "{}", process.log());
        process.log().contains("could not see whether there is an")
    })
    .await;
    let live = process.request(Method::GET, "/health/live").send().await;
    assert_eq!(live.unwrap().status(), 200);
    as_superuser("postgres", "alter database users_db connection limit -1").await;
    eventually("there is an admin", async || process.log().contains(SHOWN)).await;
}
