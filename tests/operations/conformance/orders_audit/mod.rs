//! The books of the orders port.

mod fake;
mod module;
mod tested;

use ports::Orders;
use ports::audit::Audit;
use ports::orders::{OrderBook, OrderStatus, RetellRequest};
use ports::products::ReserveLine;
use uuid::Uuid;

use super::bench::{Bench, World, cx};
use super::failures::*;
use super::on_every_adapter;
use fake::FakeBooks;
use module::OrdersModule;

/// What happens to orders besides being asked for.
pub trait BooksWorld: World<Port = dyn Orders> {
    /// Writes it down as it is, with the history and the total that it should have.
    async fn write(&self, order: &OrderBook);
    /// The types of the events that products is to hear of an order.
    async fn told(&self, order_id: Uuid) -> Vec<String>;
}

on_every_adapter! { std::sync::Arc<FakeBooks>, OrdersModule:
    shows_all_orders_page_by_page,
    shows_orders_by_their_ids,
    retells_what_the_status_demands,
    a_spent_deadline_is_a_timeout,
    a_stalled_module_costs_the_deadline_and_no_more,
    a_module_without_its_database_is_unavailable,
    a_call_that_is_cut_off_is_unavailable,
}

fn order(status: OrderStatus, steps: i32) -> OrderBook {
    let order_id = Uuid::now_v7();
    let line = |quantity| ReserveLine {
        product_id: Uuid::now_v7(),
        quantity,
    };
    OrderBook {
        order_id,
        number: order_id.to_string(),
        status,
        steps,
        reservation_id: Uuid::now_v7(),
        lines: vec![line(2), line(3)],
        pending: 0,
        parked: 0,
        faults: Vec::new(),
    }
}

async fn shows_all_orders_page_by_page(bench: &Bench<impl BooksWorld>) {
    let mut expected = Vec::new();
    for _ in 0..5 {
        let order = order(OrderStatus::Placed, 1);
        bench.world.write(&order).await;
        expected.push(order);
    }
    for limit in [1, 2, 5, 1_000] {
        let (mut seen, mut id) = (Vec::new(), None);
        loop {
            let page = Audit::After { id, limit };
            let page = bench.port.audit(cx(), page).await.unwrap();
            seen.extend(page.orders);
            id = page.next;
            if id.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "pages of {limit}");
    }
}

async fn shows_orders_by_their_ids(bench: &Bench<impl BooksWorld>) {
    let (paid, other) = (order(OrderStatus::Paid, 2), order(OrderStatus::Placed, 1));
    for order in [&paid, &other] {
        bench.world.write(order).await;
    }
    let ids = vec![Uuid::now_v7(), paid.order_id, paid.order_id];
    let books = bench.port.audit(cx(), Audit::Of { ids }).await.unwrap();
    assert_eq!((books.orders, books.next), (vec![paid], None));
}

async fn retells_what_the_status_demands(bench: &Bench<impl BooksWorld>) {
    for (status, steps, event) in [
        (OrderStatus::Placed, 1, "order.placed.v1"),
        (OrderStatus::Paid, 2, "order.placed.v1"),
        (OrderStatus::Shipped, 3, "order.shipped.v1"),
        (OrderStatus::Delivered, 4, "order.shipped.v1"),
        (OrderStatus::Cancelled, 2, "order.cancelled.v1"),
    ] {
        let mut order = order(status, steps);
        bench.world.write(&order).await;
        let order_ids = vec![order.order_id, Uuid::now_v7()];
        let retell = RetellRequest { order_ids };
        bench.port.retell(cx(), retell).await.unwrap();
        assert_eq!(bench.world.told(order.order_id).await, [event]);
        order.pending = 1;
        let ids = vec![order.order_id];
        let books = bench.port.audit(cx(), Audit::Of { ids }).await.unwrap();
        assert_eq!(books.orders, [order]);
    }
}
