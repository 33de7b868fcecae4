use ports::events::{OrderCancelled, OrderPlaced};
use ports::products::{EventRejection, ReserveRejection};
use sqlx::PgConnection;

use super::give_back::{GiveBack, give_back};
use super::take::{Purpose, Taken, take};

/// The hold becomes an allocation. When it has expired the stock is taken again, or the order is
/// told that there is none.
pub(crate) async fn placed(
    tx: &mut PgConnection,
    event: &OrderPlaced,
) -> Result<Result<(), EventRejection>, sqlx::Error> {
    let mut refusal = None;
    loop {
        let known = sqlx::query_scalar!(
            r#"update reservations
               set state = case state when 'held' then 'allocated' else state end,
                   order_id = case state when 'held' then $2 else order_id end,
                   expires_at = null,
                   updated_at = now()
               where id = $1
               returning true as "known!""#,
            event.reservation_id,
            event.order_id,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if known.is_some() {
            return Ok(Ok(()));
        }
        if let Some(rejection) = refusal {
            return Ok(Err(out_of_stock(rejection)));
        }
        let purpose = Purpose::Allocation {
            order_id: event.order_id,
        };
        match take(&mut *tx, event.reservation_id, &event.lines, purpose).await? {
            Taken::Now(_) => {
                tracing::info!(order_id = %event.order_id, "took the stock of an expired hold again");
                return Ok(Ok(()));
            }
            // Another replica was faster.
            Taken::IdInUse => {}
            // Unless it is the same event, delivered twice, that has the stock.
            Taken::Refused(rejection) => refusal = Some(rejection),
        }
    }
}

fn out_of_stock(rejection: ReserveRejection) -> EventRejection {
    let products = match rejection {
        ReserveRejection::InsufficientStock { products } => products,
        ReserveRejection::UnknownProducts { .. } | ReserveRejection::ReservationClosed => {
            Vec::new()
        }
    };
    EventRejection::OutOfStock { products }
}

/// The stock comes back, once. What is closed stays closed, and so does what never came.
pub(crate) async fn cancelled(
    tx: &mut PgConnection,
    event: &OrderCancelled,
) -> Result<(), sqlx::Error> {
    let which = GiveBack::Order {
        order_id: event.order_id,
    };
    while give_back(&mut *tx, &[event.reservation_id], which).await? == 0 {
        let closed = sqlx::query_scalar!(
            r#"insert into reservations (id, state, closed_as, order_id)
               values ($1, 'closed', 'released', $2)
               on conflict (id) do update set updated_at = now()
                 where reservations.state = 'closed'
               returning true as "closed!""#,
            event.reservation_id,
            event.order_id,
        )
        .fetch_optional(&mut *tx)
        .await?;
        // Otherwise somebody has taken the stock between the two statements.
        if closed.is_some() {
            break;
        }
    }
    Ok(())
}
