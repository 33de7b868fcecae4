use std::time::Duration;

use iso_currency::Currency;
use platform::Pool;
use platform::db::retry_contention;
use ports::Money;
use ports::products::{
    Reservation, ReserveLine, ReserveRejection, ReserveRequest, ReservedLine, Shortage,
};
use sqlx::PgExecutor;
use uuid::Uuid;

/// What stock is taken for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// An order that is about to be placed; only active products are sold.
    Hold { ttl: Duration },
    /// An order that stands, whose hold has expired.
    Allocation { order_id: Uuid },
}

/// Holds a whole basket or nothing. A live reservation of that id is answered as it stands, its
/// hold prolonged.
pub(crate) async fn hold(
    pool: &Pool,
    request: &ReserveRequest,
    ttl: Duration,
) -> Result<Result<Reservation, ReserveRejection>, sqlx::Error> {
    // A second round happens when another call with this id came between the two statements.
    loop {
        let (id, lines) = (request.reservation_id, &request.lines);
        let taken = retry_contention(|| take(pool, id, lines, Purpose::Hold { ttl })).await?;
        let refusal = match taken {
            Taken::Now(reservation) => return Ok(Ok(reservation)),
            Taken::Refused(rejection) => Some(rejection),
            Taken::IdInUse => None,
        };
        // Whoever has this id may also have the stock that was missing here.
        let standing = standing(pool, request.reservation_id, ttl).await?;
        match (standing, refusal) {
            (Standing::Live(reservation), _) => return Ok(Ok(reservation)),
            (Standing::Closed, _) => return Ok(Err(ReserveRejection::ReservationClosed)),
            (Standing::Absent, Some(rejection)) => return Ok(Err(rejection)),
            (Standing::Absent, None) => {}
        }
    }
}

pub(super) enum Taken {
    Now(Reservation),
    Refused(ReserveRejection),
    /// There is a reservation of that id, or there was a moment ago.
    IdInUse,
}

struct Line {
    product_id: Uuid,
    quantity: i64,
    sku: Option<String>,
    name: Option<String>,
    price_minor: Option<i64>,
    currency: Option<String>,
    available: Option<i64>,
    sold: Option<bool>,
    id_in_use: bool,
    taken: bool,
}

/// One statement, so one round trip and one commit. It locks the stock rows in id order; whoever
/// waited for a lock sees the row as it is then, not as it was when the statement began.
pub(super) async fn take(
    db: impl PgExecutor<'_>,
    reservation_id: Uuid,
    lines: &[ReserveLine],
    purpose: Purpose,
) -> Result<Taken, sqlx::Error> {
    let (product_ids, quantities): (Vec<Uuid>, Vec<i64>) = lines
        .iter()
        .map(|line| (line.product_id, line.quantity))
        .unzip();
    let (ttl, order_id) = match purpose {
        Purpose::Hold { ttl } => (Some(ttl.as_secs_f64()), None),
        Purpose::Allocation { order_id } => (None, Some(order_id)),
    };
    let rows = sqlx::query_as!(
        Line,
        r#"with existing as materialized (
             select id from reservations where id = $1 for update
           ),
           line as (
             select * from unnest($2::uuid[], $3::bigint[]) as line (product_id, quantity)
           ),
           -- As it is when the statement begins. What cannot be had then is refused without a
           -- lock: a rush for what is sold out holds nobody up.
           seen as materialized (
             select line.product_id, line.quantity, product.sku, product.name,
                    product.price_minor, product.currency,
                    stock.on_hand - stock.reserved as available,
                    (product.is_active or $5::uuid is not null) as sold
             from line
             join products product on product.id = line.product_id
             join stock on stock.product_id = line.product_id
           ),
           locked as materialized (
             select seen.product_id, seen.quantity, seen.sku, seen.name, seen.price_minor,
                    seen.currency, seen.sold, stock.on_hand, stock.reserved,
                    stock.on_hand - stock.reserved as available
             from seen
             join stock on stock.product_id = seen.product_id
             where not exists (select from existing)
               and (select count(*) from seen where sold and available >= quantity)
                   = cardinality($2)
             order by stock.product_id
             for update of stock
           ),
           reservation as (
             insert into reservations (id, state, order_id, expires_at)
             select $1, case when $5::uuid is null then 'held' else 'allocated' end, $5,
                    now() + make_interval(secs => $4)
             where (select count(*) from locked where sold and available >= quantity)
                   = cardinality($2)
             on conflict (id) do nothing
             returning id
           ),
           taken as (
             -- Both values from under the lock: Postgres first holds the new row against the
             -- constraints with what it was when the statement began.
             update stock set on_hand = locked.on_hand,
                              reserved = locked.reserved + locked.quantity
             from locked, reservation
             where stock.product_id = locked.product_id
           ),
           written as (
             insert into reservation_lines
               (reservation_id, product_id, quantity, sku, name, unit_price_minor, currency)
             select reservation.id, locked.product_id, locked.quantity, locked.sku,
                    locked.name, locked.price_minor, locked.currency
             from locked, reservation
           )
           select line.product_id as "product_id!", line.quantity as "quantity!",
                  seen.sku as "sku?", seen.name as "name?", seen.price_minor as "price_minor?",
                  seen.currency as "currency?", seen.sold as "sold?",
                  coalesce(locked.available, seen.available) as "available?",
                  exists (select from existing) as "id_in_use!",
                  exists (select from reservation) as "taken!"
           from line
           left join seen using (product_id)
           left join locked using (product_id)
           order by line.product_id"#,
        reservation_id,
        &product_ids,
        &quantities,
        ttl,
        order_id,
    )
    .fetch_all(db)
    .await?;
    outcome(reservation_id, rows)
}

fn outcome(reservation_id: Uuid, rows: Vec<Line>) -> Result<Taken, sqlx::Error> {
    // Without lines there are no rows, and nothing is known of the id.
    if rows.is_empty() || rows.iter().any(|row| row.id_in_use) {
        return Ok(Taken::IdInUse);
    }
    let unknown: Vec<Uuid> = rows
        .iter()
        .filter(|row| row.sold != Some(true))
        .map(|row| row.product_id)
        .collect();
    if !unknown.is_empty() {
        return Ok(Taken::Refused(ReserveRejection::UnknownProducts {
            product_ids: unknown,
        }));
    }
    let short: Vec<Shortage> = rows.iter().filter_map(shortage).collect();
    if !short.is_empty() {
        return Ok(Taken::Refused(ReserveRejection::InsufficientStock {
            products: short,
        }));
    }
    if rows.iter().any(|row| !row.taken) {
        return Ok(Taken::IdInUse);
    }
    let lines = rows
        .into_iter()
        .map(reserved_line)
        .collect::<Result<_, _>>()?;
    Ok(Taken::Now(Reservation {
        reservation_id,
        lines,
    }))
}

fn shortage(row: &Line) -> Option<Shortage> {
    let available = row.available.unwrap_or(0);
    (available < row.quantity).then_some(Shortage {
        product_id: row.product_id,
        requested: row.quantity,
        available,
    })
}

fn reserved_line(row: Line) -> Result<ReservedLine, sqlx::Error> {
    Ok(ReservedLine {
        product_id: row.product_id,
        quantity: row.quantity,
        sku: row.sku.unwrap_or_default(),
        name: row.name.unwrap_or_default(),
        unit_price: money(
            row.price_minor.unwrap_or_default(),
            &row.currency.unwrap_or_default(),
        )?,
    })
}

fn money(amount: i64, currency: &str) -> Result<Money, sqlx::Error> {
    let currency = Currency::from_code(currency)
        .ok_or_else(|| sqlx::Error::Decode(format!("no currency: {currency:?}").into()))?;
    Ok(Money::new(amount, currency))
}

enum Standing {
    Absent,
    Live(Reservation),
    Closed,
}

async fn standing(
    pool: &Pool,
    reservation_id: Uuid,
    ttl: Duration,
) -> Result<Standing, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with live as (
             update reservations
             set expires_at = case when state = 'held'
                   then greatest(expires_at, now() + make_interval(secs => $2)) end
             where id = $1
             returning id, state
           )
           select live.state as "state!", line.product_id as "product_id?",
                  line.quantity as "quantity?", line.sku as "sku?", line.name as "name?",
                  line.unit_price_minor as "unit_price_minor?", line.currency as "currency?"
           from live left join reservation_lines line on line.reservation_id = live.id
           order by line.product_id"#,
        reservation_id,
        ttl.as_secs_f64(),
    )
    .fetch_all(pool)
    .await?;
    match rows.first().map(|row| row.state.as_str()) {
        None => return Ok(Standing::Absent),
        Some("closed") => return Ok(Standing::Closed),
        Some(_) => {}
    }
    let lines = rows
        .into_iter()
        .filter_map(|row| {
            let unit_price = money(row.unit_price_minor?, &row.currency?);
            let (product_id, quantity) = (row.product_id?, row.quantity?);
            let (sku, name) = (row.sku?, row.name?);
            Some(unit_price.map(|unit_price| ReservedLine {
                product_id,
                sku,
                name,
                quantity,
                unit_price,
            }))
        })
        .collect::<Result<_, sqlx::Error>>()?;
    Ok(Standing::Live(Reservation {
        reservation_id,
        lines,
    }))
}
