//! What must hold whenever nothing is under way.

use cleave::settings::Module;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{TestShop, eventually};

/// `(reservation, product, quantity)`.
type Line = (Uuid, Uuid, i64);

impl TestShop {
    /// Waits for the events under way, then fails unless the books balance.
    pub async fn expect_balanced_books(&self) {
        let mut products = self.connect(Module::Products).await;
        let mut orders = self.connect(Module::Orders).await;
        expect_balanced_books(&mut products, &mut orders).await;
    }

    /// Time passes for every hold, and the sweeper comes.
    pub async fn expire_holds(&self) {
        let mut products = self.connect(Module::Products).await;
        sqlx::query("update reservations set expires_at = now() where state = 'held'")
            .execute(&mut products)
            .await
            .unwrap();
        eventually("expired holds are swept", async || {
            self.reservations("held").await == 0
        })
        .await;
    }

    /// Time passes for an order.
    pub async fn let_wait(&self, order_id: &str, minutes: i32) {
        let mut orders = self.connect(Module::Orders).await;
        sqlx::query(
            "update orders set created_at = created_at - make_interval(mins => $2)
             where id = $1::uuid",
        )
        .bind(order_id)
        .bind(minutes)
        .execute(&mut orders)
        .await
        .unwrap();
    }

    /// Reservations in this state.
    pub async fn reservations(&self, state: &str) -> i64 {
        let mut products = self.connect(Module::Products).await;
        sqlx::query_scalar("select count(*) from reservations where state = $1")
            .bind(state)
            .fetch_one(&mut products)
            .await
            .unwrap()
    }
}

/// Once every event is delivered, each open order has its allocation, line by line, nothing else
/// is allocated, what is reserved is what reservations hold, what is on hand is the sum of its
/// movements, and what left the house is what orders have shipped.
pub async fn expect_balanced_books(products: &mut PgConnection, orders: &mut PgConnection) {
    eventually("every event is delivered", async || {
        let waiting: i64 =
            sqlx::query_scalar("select count(*) from outbox where parked_at is null")
                .fetch_one(&mut *orders)
                .await
                .unwrap();
        waiting == 0
    })
    .await;
    let sold: Vec<Line> = sqlx::query_as(
        "select o.reservation_id, i.product_id, i.quantity
         from orders o join order_items i on i.order_id = o.id
         where o.status in ('placed', 'paid') order by 1, 2",
    )
    .fetch_all(&mut *orders)
    .await
    .unwrap();
    let allocated: Vec<Line> = sqlx::query_as(
        "select r.id, l.product_id, l.quantity
         from reservations r join reservation_lines l on l.reservation_id = r.id
         where r.state = 'allocated' order by 1, 2",
    )
    .fetch_all(&mut *products)
    .await
    .unwrap();
    assert_eq!(sold, allocated, "open orders, and what is allocated");
    // One statement, so one moment: holds come and go beside.
    let unbalanced: Vec<(Uuid, i64, i64)> = sqlx::query_as(
        "select stock.product_id, reserved, coalesce(sum(quantity), 0)::bigint
         from stock left join reservation_lines line using (product_id)
         group by stock.product_id, reserved
         having reserved <> coalesce(sum(quantity), 0)",
    )
    .fetch_all(&mut *products)
    .await
    .unwrap();
    assert_eq!(unbalanced, [], "reserved, and what reservations hold");
    let unexplained: Vec<(Uuid, i64, i64)> = sqlx::query_as(
        "select stock.product_id, on_hand, coalesce(sum(delta), 0)::bigint
         from stock left join stock_movements using (product_id)
         group by stock.product_id, on_hand
         having on_hand <> coalesce(sum(delta), 0)",
    )
    .fetch_all(&mut *products)
    .await
    .unwrap();
    assert_eq!(unexplained, [], "on hand, and its movements");
    let sent: Vec<Line> = sqlx::query_as(
        "select o.id, i.product_id, i.quantity
         from orders o join order_items i on i.order_id = o.id
         where o.status in ('shipped', 'delivered') order by 1, 2",
    )
    .fetch_all(&mut *orders)
    .await
    .unwrap();
    let gone: Vec<Line> = sqlx::query_as(
        "select order_id, product_id, -delta from stock_movements
         where order_id is not null order by 1, 2",
    )
    .fetch_all(&mut *products)
    .await
    .unwrap();
    assert_eq!(
        sent, gone,
        "shipped orders, and what left the house for them"
    );
}
