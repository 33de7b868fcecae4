//! Orders and their stock, made in bulk where the modules would have written them.

use cleave::settings::Module;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::fleet::Databases;

/// Both databases derive the same ids from the number of an order.
const IDS: &str = "with made as (
    select n, md5('order' || $1 || n)::uuid as order_id, md5('hold' || $1 || n)::uuid as reservation_id,
           ($3::uuid[])[1 + n % cardinality($3::uuid[])] as product_id
    from generate_series(1, $2) n
)";

/// What became of the order with the number `n`.
#[derive(Clone, Copy)]
pub struct Fates {
    /// The state of its reservation, as SQL; rows for which it is null have none. What is closed was
    /// shipped.
    pub reservation: &'static str,
    pub status: &'static str,
    /// Whether its first event still waits.
    pub told: bool,
}

pub async fn orders(databases: &Databases, label: &str, number: i32, fates: Fates) {
    let products: Vec<Uuid> = databases.products(1_000).await[2..]
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    let (mut orders, mut stock) = (
        databases.connect(Module::Orders).await,
        databases.connect(Module::Products).await,
    );
    let fill = async |db: &mut PgConnection, statement: String| {
        let sql = format!("{IDS} {statement}");
        // Made here, of constants.
        sqlx::query(AssertSqlSafe(sql))
            .bind(label)
            .bind(number)
            .bind(&products)
            .execute(db)
            .await
            .unwrap();
    };
    let Fates {
        reservation,
        status,
        told,
    } = fates;
    fill(
        &mut orders,
        format!(
            ", placed as (
               insert into orders (id, number, user_id, status, currency, total_minor, steps, reservation_id)
               select order_id, 'B' || left($1, 1) || n, order_id, {status}, 'EUR', 1999,
                      case {status} when 'placed' then 1 when 'delivered' then 4 else 2 end, reservation_id
               from made returning id
             ), items as (
               insert into order_items (order_id, line, product_id, sku, name, quantity, unit_price_minor)
               select order_id, 1, product_id, 'BENCH', 'Bench', 1, 1999 from made
             )
             insert into order_history (order_id, step, status)
             select order_id, step, step_status from made
             cross join lateral unnest(case {status}
               when 'placed' then array['placed'] when 'paid' then array['placed', 'paid']
               when 'cancelled' then array['placed', 'cancelled']
               else array['placed', 'paid', 'shipped', 'delivered'] end)
               with ordinality as history (step_status, step)"
        ),
    )
    .await;
    if !told {
        fill(
            &mut orders,
            "insert into outbox (event_id, subscriber, aggregate_id, event)
             select event_id, 'products', order_id, jsonb_build_object(
               'id', event_id, 'occurred_at', '2026-01-01T00:00:00Z', 'type', 'order.placed.v1',
               'data', jsonb_build_object('order_id', order_id, 'reservation_id', reservation_id,
                 'lines', jsonb_build_array(jsonb_build_object('product_id', product_id, 'quantity', 1))))
             from (select *, gen_random_uuid() as event_id from made) told"
                .to_owned(),
        )
        .await;
    }
    fill(
        &mut stock,
        format!(
            ", fate as (select made.*, {reservation} as state from made),
             reserved as (
               insert into reservations (id, state, closed_as, order_id, expires_at)
               select reservation_id, state, case state when 'closed' then 'shipped' end,
                      case when state <> 'held' then order_id end,
                      case when state = 'held' then now() + interval '1 hour' end
               from fate where state is not null returning id
             ), lines as (
               insert into reservation_lines
                 (reservation_id, product_id, quantity, sku, name, unit_price_minor, currency)
               select reservation_id, product_id, 1, 'BENCH', 'Bench', 1999, 'EUR'
               from fate where state <> 'closed'
             )
             update stock set reserved = reserved + taken.quantity
             from (select product_id, count(*) as quantity from fate where state <> 'closed' group by 1) taken
             where stock.product_id = taken.product_id"
        ),
    )
    .await;
    for db in [&mut orders, &mut stock] {
        sqlx::query("analyze").execute(db).await.unwrap();
    }
}
