//! What was committed together. A kill between two commits is rare, and what it would break is
//! broken without it as well: that a change and what it tells of are one transaction.

use cleave::settings::Module;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::town::Town;

/// Writes down which transaction made a row of a table: when, of what, and which.
struct Watch {
    module: Module,
    table: &'static str,
    on: &'static str,
    /// Of the new row.
    what: &'static str,
    id: &'static str,
}

const WATCHES: [Watch; 4] = [
    Watch {
        module: Module::Orders,
        table: "order_history",
        on: "insert",
        what: "new.status",
        id: "new.order_id",
    },
    Watch {
        module: Module::Orders,
        table: "outbox",
        on: "insert",
        what: "new.event->>'type'",
        id: "new.aggregate_id",
    },
    Watch {
        module: Module::Products,
        table: "reservations",
        on: "insert or update of state",
        what: "new.state",
        id: "new.id",
    },
    Watch {
        module: Module::Products,
        table: "inbox",
        on: "insert",
        what: "'heard'",
        id: "new.event_id",
    },
];

/// Steps of which products hears, and were told in another transaction.
const NOT_TOLD: &str = "select step.what, step.id from witness step
    where step.source = 'order_history' and step.what in ('placed', 'shipped', 'cancelled')
      and not exists (
        select from witness told
        where told.source = 'outbox' and told.id = step.id and told.tx = step.tx
          and told.what = 'order.' || step.what || '.v1')";

/// Effects of events that were not remembered with them.
const NOT_REMEMBERED: &str = "select effect.what, effect.id from witness effect
    where effect.source = 'reservations' and effect.what in ('allocated', 'closed')
      and not exists (
        select from witness heard where heard.source = 'inbox' and heard.tx = effect.tx)";

/// From now on.
pub async fn watch(town: &Town) {
    for module in [Module::Orders, Module::Products] {
        let mut db = town.connect(module).await;
        let table = "create table witness (source text, what text, id uuid,
                     tx xid8 default pg_current_xact_id())";
        run(&mut db, table.to_owned()).await;
        let watches = WATCHES.iter().filter(|watch| watch.module == module);
        for Watch {
            table,
            on,
            what,
            id,
            ..
        } in watches
        {
            let function = format!(
                "create function witness_{table}() returns trigger language plpgsql as $$
                 begin
                   insert into witness (source, what, id) values ('{table}', {what}, {id});
                   return null;
                 end $$"
            );
            let trigger = format!(
                "create trigger witness after {on} on {table}
                 for each row execute function witness_{table}()"
            );
            run(&mut db, function).await;
            run(&mut db, trigger).await;
        }
    }
}

async fn run(db: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement))
        .execute(db)
        .await
        .unwrap();
}

/// Panics at what was not committed together.
pub async fn verify(town: &Town) {
    let promises = [
        (Module::Orders, NOT_TOLD),
        (Module::Products, NOT_REMEMBERED),
    ];
    for (module, broken) in promises {
        let mut db = town.connect(module).await;
        let broken: Vec<(String, Uuid)> = sqlx::query_as(broken).fetch_all(&mut db).await.unwrap();
        assert_eq!(broken, [], "{module}: not in one transaction");
    }
}
