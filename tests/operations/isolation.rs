//! The databases are apart: no module's role gets into another's.

use cleave::settings::Module;
use sqlx::{Connection, PgConnection};

use crate::support::cluster;

#[tokio::test]
async fn each_role_is_locked_out_of_the_other_databases() {
    let cluster = cluster().await;
    let mut refusals = 0;
    for module in Module::ALL {
        for other in Module::ALL {
            let database = cluster.connect_options(other.name());
            let database = database.get_database().unwrap();
            let own = cluster.connect_options(module.name());
            let connected = PgConnection::connect_with(&own.database(database)).await;
            if module == other {
                connected.unwrap();
                continue;
            }
            let error = connected.expect_err("a module got into another's database");
            let code = error.as_database_error().unwrap().code();
            assert_eq!(code.as_deref(), Some("42501"), "{module} in {database}");
            refusals += 1;
        }
    }
    assert_eq!(refusals, 6);
}

#[tokio::test]
async fn a_role_is_no_more_than_the_owner_of_its_database() {
    let cluster = cluster().await;
    for module in Module::ALL {
        let own = cluster.connect_options(module.name());
        let mut db = PgConnection::connect_with(&own).await.unwrap();
        let powers: (bool, bool, bool, bool, bool) = sqlx::query_as(
            "select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls
             from pg_roles where rolname = current_user",
        )
        .fetch_one(&mut db)
        .await
        .unwrap();
        assert_eq!(powers, (false, false, false, false, false), "{module}");
        let memberships: i64 = sqlx::query_scalar(
            "select count(*) from pg_auth_members where member = current_user::regrole",
        )
        .fetch_one(&mut db)
        .await
        .unwrap();
        assert_eq!(memberships, 0, "{module} is a member of another role");
        db.close().await.unwrap();
    }
}
