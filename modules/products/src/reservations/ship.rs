use ports::events::OrderShipped;
use ports::products::EventRejection;
use sqlx::PgConnection;

/// The goods leave: what the order had is neither reserved nor on hand any more. Once; a closed
/// reservation stays as it is. Without an allocation there is nothing that could have left.
pub(crate) async fn shipped(
    tx: &mut PgConnection,
    event: &OrderShipped,
) -> Result<Result<(), EventRejection>, sqlx::Error> {
    let state = sqlx::query_scalar!(
        r#"with target as materialized (
             select id, state from reservations where id = $1 for update
           ),
           line as (
             select product_id, quantity
             from reservation_lines
             where reservation_id in (select id from target where state = 'allocated')
           ),
           locked as materialized (
             select stock.product_id, stock.on_hand, stock.reserved, line.quantity
             from line join stock on stock.product_id = line.product_id
             order by stock.product_id
             for update of stock
           ),
           left_house as (
             -- Both values from under the lock, as when stock is taken.
             update stock set on_hand = locked.on_hand - locked.quantity,
                              reserved = locked.reserved - locked.quantity
             from locked where stock.product_id = locked.product_id
           ),
           moved as (
             insert into stock_movements (product_id, delta, reason, order_id)
             select product_id, -quantity, 'shipped', $2 from locked
           ),
           emptied as (
             delete from reservation_lines
             where reservation_id in (select id from target where state = 'allocated')
           ),
           closed as (
             -- No expiry, also when it was a hold as the statement began and became an allocation
             -- while it waited: Postgres holds what it saw first against the constraints.
             update reservations
             set state = 'closed', closed_as = 'shipped', order_id = $2, expires_at = null,
                 updated_at = now()
             where id in (select id from target where state = 'allocated')
           )
           select state from target"#,
        event.reservation_id,
        event.order_id,
    )
    .fetch_optional(tx)
    .await?;
    match state.as_deref() {
        Some("allocated" | "closed") => Ok(Ok(())),
        _ => Ok(Err(EventRejection::NotAllocated)),
    }
}
