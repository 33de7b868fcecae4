//! What takes long in a database, where `pg_stat_statements` counts it.

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

/// A statement with its constants left out, as often as it was run by the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromRow)]
pub struct Statement {
    pub statement: String,
    pub calls: i64,
    pub mean_ms: f64,
    pub total_ms: f64,
}

/// Those that take longest by themselves and those that take longest together, the latter first;
/// `None` where the server does not count, or not for this role.
pub async fn slowest(database: &mut PgConnection) -> Option<Vec<Statement>> {
    let found = read(database).await;
    found
        .inspect_err(|error| tracing::debug!(%error, "slow statements are not told"))
        .ok()?
}

async fn read(database: &mut PgConnection) -> Result<Option<Vec<Statement>>, sqlx::Error> {
    let schema: Option<String> = sqlx::query_scalar(
        "select quote_ident(nspname) from pg_extension
         join pg_namespace on pg_namespace.oid = extnamespace
         where extname = 'pg_stat_statements'",
    )
    .fetch_optional(&mut *database)
    .await?;
    let Some(schema) = schema else {
        return Ok(None);
    };
    // A superuser is told of all roles and databases of the server.
    let statements = format!(
        "with own as (
            select query, calls, mean_exec_time, total_exec_time,
                row_number() over (order by mean_exec_time desc) as by_mean,
                row_number() over (order by total_exec_time desc) as by_total
            from {schema}.pg_stat_statements
            where dbid = (select oid from pg_database where datname = current_database())
                and userid = (select oid from pg_roles where rolname = current_user)
        )
        select left(regexp_replace(query, '\\s+', ' ', 'g'), 1000) as statement, calls,
            round(mean_exec_time::numeric, 3)::float8 as mean_ms,
            round(total_exec_time::numeric, 3)::float8 as total_ms
        from own where by_mean <= 10 or by_total <= 10
        order by total_exec_time desc"
    );
    // Quoted by the server.
    let statements = sqlx::query_as(AssertSqlSafe(statements));
    Ok(Some(statements.fetch_all(database).await?))
}
