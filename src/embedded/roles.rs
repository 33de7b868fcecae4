//! Each module's database and its role, which owns that database and can connect to no other.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::access::{Access, MAINTENANCE};
use super::error::While;
use super::files::{Layout, new_password, read_if_there, write_private};
use super::{DatabaseName, EmbeddedError};

/// The comment on a database that has all of what follows.
const FINISHED: &str = "made by cleave";

/// Two processes may arrive here at once: the one that runs the server, and one that joins it.
const LOCK: i64 = 0x636c_6561_7665;

/// Makes what is missing; when nothing is, one query finds that out.
pub(super) async fn ensure(
    access: &Access,
    layout: &Layout,
    names: &[DatabaseName],
) -> Result<BTreeMap<DatabaseName, String>, EmbeddedError> {
    let mut admin = connect(access, MAINTENANCE).await?;
    if !all_finished(&mut admin, layout, names).await? {
        sqlx::query("select pg_advisory_lock($1)")
            .bind(LOCK)
            .execute(&mut admin)
            .await
            .during("take turns")?;
        execute(
            &mut admin,
            "revoke connect, temporary on database postgres, template1 from public",
        )
        .await?;
        for name in names {
            set_up(&mut admin, access, layout, name).await?;
        }
    }
    // Frees the lock as well.
    admin.close().await.during("disconnect")?;
    let mut passwords = BTreeMap::new();
    for name in names {
        let path = layout.module_password(name);
        let password = read_if_there(&path)?.ok_or(EmbeddedError::PasswordLost { path })?;
        passwords.insert(name.clone(), password);
    }
    Ok(passwords)
}

async fn all_finished(
    admin: &mut PgConnection,
    layout: &Layout,
    names: &[DatabaseName],
) -> Result<bool, EmbeddedError> {
    let databases: Vec<String> = names.iter().map(DatabaseName::database).collect();
    let finished: i64 = sqlx::query_scalar(
        "select count(*) from pg_database join pg_roles on pg_roles.oid = datdba
         where datname = any($1) and shobj_description(pg_database.oid, 'pg_database') = $2",
    )
    .bind(databases)
    .bind(FINISHED)
    .fetch_one(admin)
    .await
    .during("look for the databases")?;
    let have_passwords = names
        .iter()
        .all(|name| layout.module_password(name).exists());
    Ok(have_passwords && usize::try_from(finished) == Ok(names.len()))
}

/// Every step may have been done before, by a start that was cut short.
async fn set_up(
    admin: &mut PgConnection,
    access: &Access,
    layout: &Layout,
    name: &DatabaseName,
) -> Result<(), EmbeddedError> {
    let (database, role) = (name.database(), name.role());
    ensure_role(admin, layout, name).await?;
    if !exists(
        admin,
        "select exists (select from pg_database where datname = $1)",
        &database,
    )
    .await?
    {
        execute(
            admin,
            format!("create database {database} owner {role} template template0"),
        )
        .await?;
    }
    execute(admin, format!("alter database {database} owner to {role}")).await?;
    execute(
        admin,
        format!("revoke all on database {database} from public"),
    )
    .await?;

    let mut inside = connect(access, &database).await?;
    execute(&mut inside, format!("alter schema public owner to {role}")).await?;
    execute(&mut inside, "revoke all on schema public from public").await?;
    inside.close().await.during("disconnect")?;

    execute(
        admin,
        format!("comment on database {database} is '{FINISHED}'"),
    )
    .await
}

/// A password is written down only after the role has it, so one that is found on the disk is the
/// role's.
async fn ensure_role(
    admin: &mut PgConnection,
    layout: &Layout,
    name: &DatabaseName,
) -> Result<(), EmbeddedError> {
    let (path, role) = (layout.module_password(name), name.role());
    let known = read_if_there(&path)?;
    let there = exists(
        admin,
        "select exists (select from pg_roles where rolname = $1)",
        &role,
    )
    .await?;
    if known.is_some() && there {
        return Ok(());
    }
    let password = known.unwrap_or_else(new_password);
    let verb = if there { "alter" } else { "create" };
    execute(
        admin,
        format!("{verb} role {role} login password '{password}'"),
    )
    .await?;
    write_private(&path, password.as_bytes())
}

async fn connect(access: &Access, database: &str) -> Result<PgConnection, EmbeddedError> {
    PgConnection::connect_with(&access.admin(database))
        .await
        .during("connect")
}

async fn exists(
    admin: &mut PgConnection,
    question: &'static str,
    name: &str,
) -> Result<bool, EmbeddedError> {
    sqlx::query_scalar(question)
        .bind(name)
        .fetch_one(admin)
        .await
        .during("look for databases and roles")
}

async fn execute(
    connection: &mut PgConnection,
    statement: impl Into<String>,
) -> Result<(), EmbeddedError> {
    // Safe: the only parts that vary are a `DatabaseName`, which holds letters, digits and
    // underscores, and a password of hexadecimal digits.
    sqlx::raw_sql(AssertSqlSafe(statement.into()))
        .execute(connection)
        .await
        .during("set up databases and roles")?;
    Ok(())
}
