//! What tables there are, by the database's own account: a table made later is not forgotten.

use sqlx::{FromRow, PgConnection};

/// A column that can hold words.
#[derive(Debug, FromRow)]
pub struct Column {
    /// Both as the catalogue has them.
    pub table: String,
    pub column: String,
    /// Both quoted, as in a statement.
    pub from: String,
    pub text: String,
}

/// Every column but those of types that can hold no word; bytes as far as they are text. In the order
/// of the tables.
pub async fn columns(db: &mut PgConnection) -> Result<Vec<Column>, sqlx::Error> {
    sqlx::query_as(
        r#"select c.relname::text as "table", a.attname::text as "column",
                  format('%I.%I', n.nspname, c.relname) as "from",
                  case when t.oid = 'bytea'::regtype then format('encode(%I, ''escape'')', a.attname)
                       when t.oid = 'json'::regtype then format('%I::jsonb::text', a.attname)
                       else format('%I::text', a.attname) end as "text"
           from pg_class c
           join pg_namespace n on n.oid = c.relnamespace
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           join pg_type t on t.oid = a.atttypid
           where c.relkind in ('r', 'p', 'm', 'f') and not c.relispartition
             and n.nspname not in ('pg_catalog', 'information_schema')
             and n.nspname not like 'pg\_toast%' and n.nspname not like 'pg\_temp%'
             -- Numbers, booleans, dates, durations and ids hold none.
             and not (t.typtype = 'b' and (t.typcategory in ('N', 'B', 'D', 'T')
                                           or t.oid = 'uuid'::regtype))
           order by n.nspname, c.relname, a.attnum"#,
    )
    .fetch_all(db)
    .await
}
