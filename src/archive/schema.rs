//! What a module's schema holds. Extensions and what is theirs stay out of it.

use sqlx::PgConnection;

/// By its name.
pub struct Schema<'a>(pub &'a str);

/// A sequence and the last number that it gave.
pub struct Number {
    sequence: String,
    last: i64,
}

const TABLES: &str = "
    select oid::regclass::text from pg_class
    where relnamespace = to_regnamespace(quote_ident($1)) and relkind in ('r', 'p')
        and not exists (select from pg_depend
            where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
    order by oid";

const NUMBERS: &str = "
    select format('%I.%I', schemaname, sequencename), last_value from pg_sequences
    where schemaname = $1 and last_value is not null";

// What is a part of something else, as a column's sequence, goes with it; `if exists` is for whatever
// went already.
const DROPS: &str = "
    with things as (
        select 'pg_class'::regclass as class, oid, relnamespace as schema,
            case relkind when 'v' then 'view' when 'm' then 'materialized view'
                when 'S' then 'sequence' when 'f' then 'foreign table' when 'c' then 'type'
                else 'table' end || ' if exists ' || oid::regclass::text as name
        from pg_class where relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c')
        union all
        select 'pg_proc'::regclass, oid, pronamespace,
            'routine if exists ' || oid::regprocedure::text from pg_proc
        union all
        select 'pg_type'::regclass, oid, typnamespace,
            'type if exists ' || oid::regtype::text from pg_type where typtype in ('d', 'e', 'r')
    )
    select 'drop ' || name || ' cascade' from things
    where schema = to_regnamespace(quote_ident($1))
        and not exists (select from pg_depend
            where classid = class and objid = things.oid and deptype in ('e', 'i'))
    order by class, oid";

impl Schema<'_> {
    pub async fn tables(&self, database: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
        let tables = sqlx::query_scalar(TABLES).bind(self.0);
        tables.fetch_all(database).await
    }

    pub async fn numbers(&self, database: &mut PgConnection) -> Result<Vec<Number>, sqlx::Error> {
        let numbers = sqlx::query_as(NUMBERS).bind(self.0);
        let numbers: Vec<(String, i64)> = numbers.fetch_all(database).await?;
        let number = |(sequence, last)| Number { sequence, last };
        Ok(numbers.into_iter().map(number).collect())
    }

    /// The statements that leave nothing in it.
    pub async fn drops(&self, database: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
        let drops = sqlx::query_scalar(DROPS).bind(self.0);
        drops.fetch_all(database).await
    }
}

/// No number is given twice: what had one may be known elsewhere.
pub async fn go_on_counting(
    database: &mut PgConnection,
    numbers: Vec<Number>,
) -> Result<(), sqlx::Error> {
    for Number { sequence, last } in numbers {
        let raise = "select setval(to_regclass($1), $2)
                     where coalesce(pg_sequence_last_value(to_regclass($1)), 0) < $2";
        sqlx::query(raise)
            .bind(sequence)
            .bind(last)
            .execute(&mut *database)
            .await?;
    }
    Ok(())
}
