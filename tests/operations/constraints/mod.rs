//! Every constraint of the databases holds, under its name. The list is the databases' own, so a
//! new constraint needs a case here.

mod events;
mod orders;
mod products;
mod users;

use std::collections::BTreeSet;

use cleave::settings::Module;
use sqlx::{Connection, PgConnection};

use crate::support::TestDatabases;

/// A constraint and a statement that breaks it, once the seed is in.
type Case = (&'static str, &'static str);

/// The seed of some tables and the cases of their constraints.
type Tables = (&'static str, &'static [Case]);

/// What the database of each module has.
const DATABASES: [(Module, &[Tables]); 3] = [
    (
        Module::Users,
        &[(users::SEED, users::CASES), events::OUTBOX],
    ),
    (
        Module::Products,
        &[(products::SEED, products::CASES), events::INBOX],
    ),
    (
        Module::Orders,
        &[(orders::SEED, orders::CASES), events::OUTBOX, events::INBOX],
    ),
];

#[tokio::test]
async fn every_constraint_refuses_what_breaks_it() {
    let databases = TestDatabases::create().await;
    for (module, tables) in DATABASES {
        let mut db = databases.connect(module).await;
        for (seed, _) in tables {
            sqlx::raw_sql(*seed).execute(&mut db).await.unwrap();
        }
        let cases = || tables.iter().flat_map(|(_, cases)| *cases);
        for (constraint, statement) in cases() {
            let mut transaction = db.begin().await.unwrap();
            let error = sqlx::query(*statement)
                .execute(&mut *transaction)
                .await
                .expect_err(statement);
            let broken = platform::db::constraint(&error);
            assert_eq!(broken, Some(*constraint), "{statement}: {error}");
        }
        let provoked: BTreeSet<_> = cases().map(|(name, _)| (*name).to_owned()).collect();
        let known = constraints(&mut db).await;
        let missing: Vec<_> = known.difference(&provoked).collect();
        assert!(missing.is_empty(), "{module}: nothing provokes {missing:?}");
    }
}

/// Checks, keys and foreign keys, and unique indexes that are no constraint.
async fn constraints(db: &mut PgConnection) -> BTreeSet<String> {
    let names: Vec<String> = sqlx::query_scalar(
        "select conname::text from pg_constraint
         where contype in ('c', 'f', 'p', 'u', 'x') and connamespace = 'public'::regnamespace
           and conrelid <> '_sqlx_migrations'::regclass
         union
         select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
         where i.indisunique and c.relnamespace = 'public'::regnamespace
           and i.indrelid <> '_sqlx_migrations'::regclass",
    )
    .fetch_all(db)
    .await
    .unwrap();
    assert!(!names.is_empty());
    names.into_iter().collect()
}
