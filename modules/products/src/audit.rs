//! The books of the stock, and correcting them.

use platform::{Pool, db};
use ports::audit::{Audit, page};
use ports::products::{
    ClosedAs, ReservationBook, ReservationBooks, ReservationState, ReserveLine, StockBook,
    StockBooks,
};
use uuid::Uuid;

struct ReservationRow {
    id: Uuid,
    state: String,
    closed_as: Option<String>,
    order_id: Option<Uuid>,
    overdue_s: Option<i64>,
    product_ids: Vec<Uuid>,
    quantities: Vec<i64>,
}

/// `query_as!` over the reservations whose ids `page` tells, each with its lines as they were at
/// the same moment. `limit 1` keeps Postgres at their index, however many it expects.
macro_rules! select_reservations {
    ($page:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            ReservationRow,
            "with page as materialized (" + $page + r#")
             select r.id, r.state, r.closed_as, r.order_id,
                    extract(epoch from now() - r.expires_at)::bigint as "overdue_s?",
                    line.product_ids as "product_ids!", line.quantities as "quantities!"
             from page
             cross join lateral (
               select * from reservations where reservations.id = page.id limit 1
             ) r
             cross join lateral (
               select coalesce(array_agg(product_id order by product_id), '{}') as product_ids,
                      coalesce(array_agg(quantity order by product_id), '{}') as quantities
               from reservation_lines where reservation_id = page.id
             ) line
             order by page.id"#
            $(, $argument)*
        )
    };
}

/// A page is of those that have lines: what holds nothing is no part of the stock.
pub(crate) async fn reservations(
    pool: &Pool,
    which: &Audit,
) -> Result<ReservationBooks, sqlx::Error> {
    let (rows, next) = match which {
        Audit::After { id, limit } => {
            let after = id.unwrap_or_default();
            let limit = i64::try_from(page(*limit)).unwrap_or_default();
            // As many lines, so at most as many reservations; of each, all lines.
            let books = select_reservations!(
                "select distinct reservation_id as id from (
                   select reservation_id from reservation_lines where reservation_id > $1
                   order by reservation_id, product_id limit $2
                 ) line",
                after,
                limit,
            );
            let rows = books.fetch_all(pool).await?;
            let lines = rows.iter().map(|row| row.product_ids.len()).sum();
            let next = which.next(rows.last().map(|row| row.id), lines);
            (rows, next)
        }
        Audit::Of { ids } => {
            let books =
                select_reservations!("select distinct id from unnest($1::uuid[]) as id", ids);
            (books.fetch_all(pool).await?, None)
        }
    };
    let reservations = rows.into_iter().map(ReservationBook::try_from);
    Ok(ReservationBooks {
        reservations: reservations.collect::<Result<_, _>>()?,
        next,
    })
}

impl TryFrom<ReservationRow> for ReservationBook {
    type Error = sqlx::Error;

    fn try_from(row: ReservationRow) -> Result<Self, sqlx::Error> {
        let state = match row.state.as_str() {
            "held" => ReservationState::Held,
            "allocated" => ReservationState::Allocated,
            "closed" => ReservationState::Closed,
            other => return Err(sqlx::Error::Decode(format!("no state: {other:?}").into())),
        };
        let closed_as = match row.closed_as.as_deref() {
            Some("released") => Some(ClosedAs::Released),
            Some("shipped") => Some(ClosedAs::Shipped),
            _ => None,
        };
        let lines = row.product_ids.into_iter().zip(row.quantities);
        let lines = lines.map(|(product_id, quantity)| ReserveLine {
            product_id,
            quantity,
        });
        Ok(Self {
            reservation_id: row.id,
            state,
            closed_as,
            order_id: row.order_id,
            overdue_s: row.overdue_s.filter(|seconds| *seconds > 0),
            lines: lines.collect(),
        })
    }
}

/// `query_as!` over the stock of the products of `page`, all of it at one moment.
macro_rules! select_stock {
    ($page:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            StockBook,
            "with page as materialized (
               select product_id, on_hand, reserved from stock " + $page + r#")
             select page.product_id, product.sku, page.on_hand, page.reserved,
                    line.sum as "lines!", movement.sum as "movements!"
             from page
             cross join lateral (
               select sku from products where id = page.product_id limit 1
             ) product
             cross join lateral (
               select coalesce(sum(quantity), 0)::bigint as sum
               from reservation_lines where product_id = page.product_id
             ) line
             cross join lateral (
               select coalesce(sum(delta), 0)::bigint as sum
               from stock_movements where product_id = page.product_id
             ) movement
             order by page.product_id"#
            $(, $argument)*
        )
    };
}

pub(crate) async fn stock(pool: &Pool, which: &Audit) -> Result<StockBooks, sqlx::Error> {
    let products = match which {
        Audit::After { id, limit } => {
            let after = id.unwrap_or_default();
            let limit = i64::try_from(page(*limit)).unwrap_or_default();
            let books = select_stock!(
                "where product_id > $1 order by product_id limit $2",
                after,
                limit,
            );
            books.fetch_all(pool).await?
        }
        Audit::Of { ids } => {
            let books = select_stock!("where product_id = any($1)", ids);
            books.fetch_all(pool).await?
        }
    };
    let next = which.next(products.last().map(|book| book.product_id), products.len());
    Ok(StockBooks { products, next })
}

/// First the locks, then a statement of its own: it sees what those who had the locks have done.
/// Whoever changes stock, its lines or its movements has the stock row's lock.
pub(crate) async fn repair(pool: &Pool, product_ids: &[Uuid]) -> Result<(), sqlx::Error> {
    let mut tx = db::begin(pool).await?;
    sqlx::query!(
        "select product_id from stock where product_id = any($1) order by product_id for update",
        product_ids,
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!(
        r#"with book as materialized (
             select product_id, on_hand, reserved,
                    (select coalesce(sum(quantity), 0) from reservation_lines line
                     where line.product_id = stock.product_id) as lines,
                    (select coalesce(sum(delta), 0) from stock_movements movement
                     where movement.product_id = stock.product_id) as movements
             from stock where product_id = any($1)
           ),
           reserved as (
             update stock set reserved = book.lines::bigint
             from book
             where stock.product_id = book.product_id and book.lines <> book.reserved
               and book.lines <= book.on_hand
             returning stock.product_id, book.reserved as before, stock.reserved as after
           ),
           moved as (
             insert into stock_movements (product_id, delta, reason)
             select product_id, (on_hand - movements)::bigint, 'reconciled'
             from book where on_hand <> movements
           )
           select product_id, before, after from reserved"#,
        product_ids,
    )
    .fetch_all(&mut *tx)
    .await?
    .into_iter()
    .for_each(|row| {
        tracing::warn!(product_id = %row.product_id, row.before, row.after, "corrected what is reserved");
    });
    tx.commit().await
}
