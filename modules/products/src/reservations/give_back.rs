use platform::Pool;
use platform::db::retry_contention;
use sqlx::PgExecutor;
use uuid::Uuid;

/// Which reservations to give back, and what remains of them.
#[derive(Clone, Copy)]
pub(super) enum GiveBack {
    /// Holds; nothing remains.
    Holds,
    /// Holds whose time is over; nothing remains.
    ExpiredHolds,
    /// Whatever the order has; a closed reservation remains.
    Order { order_id: Uuid },
}

/// Gives a hold back. Allocations stay: they belong to an order.
pub(crate) async fn release(pool: &Pool, reservation_id: Uuid) -> Result<(), sqlx::Error> {
    let reservation_ids = [reservation_id];
    retry_contention(|| give_back(pool, &reservation_ids, GiveBack::Holds)).await?;
    Ok(())
}

/// Gives those of these holds back whose time is over.
pub(crate) async fn release_expired(
    pool: &Pool,
    reservation_ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    retry_contention(|| give_back(pool, reservation_ids, GiveBack::ExpiredHolds)).await?;
    Ok(())
}

/// Gives back the stock of these reservations, those that `which` applies to, and tells how many
/// they were. One statement; the state is checked under the lock, so that it happens once.
pub(super) async fn give_back(
    db: impl PgExecutor<'_>,
    reservation_ids: &[Uuid],
    which: GiveBack,
) -> Result<u64, sqlx::Error> {
    let expired_only = matches!(which, GiveBack::ExpiredHolds);
    let closes = match which {
        GiveBack::Order { order_id } => Some(order_id),
        GiveBack::Holds | GiveBack::ExpiredHolds => None,
    };
    let given = sqlx::query_scalar!(
        r#"with target as materialized (
             select id from reservations
             where id = any($1)
               and (state = 'held' or (state = 'allocated' and $3::uuid is not null))
               and (not $2 or expires_at <= now())
             order by id
             for update
           ),
           line as (
             select product_id, sum(quantity)::bigint as quantity
             from reservation_lines
             where reservation_id in (select id from target)
             group by product_id
           ),
           locked as materialized (
             select stock.product_id, line.quantity
             from line join stock on stock.product_id = line.product_id
             order by stock.product_id
             for update of stock
           ),
           given as (
             update stock set reserved = reserved - locked.quantity
             from locked where stock.product_id = locked.product_id
           ),
           emptied as (
             delete from reservation_lines where reservation_id in (select id from target)
           ),
           deleted as (
             delete from reservations
             where id in (select id from target) and $3::uuid is null
               -- After the stock is locked: whoever takes stock under this id would wait for
               -- the end of this deletion, and has that lock.
               and (select count(*) from locked) >= 0
           ),
           closed as (
             update reservations
             set state = 'closed', closed_as = 'released', order_id = $3, expires_at = null,
                 updated_at = now()
             where id in (select id from target) and $3::uuid is not null
           )
           select count(*) as "count!" from target"#,
        reservation_ids,
        expired_only,
        closes,
    )
    .fetch_one(db)
    .await?;
    Ok(given.unsigned_abs())
}
