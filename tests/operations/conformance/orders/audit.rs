use ports::audit::Audit;
use ports::orders::{OrderBook, OrderStatus, RetellRequest};
use ports::products::ReserveLine;
use uuid::Uuid;

use super::OrdersWorld;
use crate::conformance::bench::{Bench, cx};

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
        attempts: 0,
        faults: Vec::new(),
    }
}

pub async fn shows_all_orders_page_by_page(bench: &Bench<impl OrdersWorld>) {
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

pub async fn shows_orders_by_their_ids(bench: &Bench<impl OrdersWorld>) {
    let (paid, other) = (order(OrderStatus::Paid, 2), order(OrderStatus::Placed, 1));
    for order in [&paid, &other] {
        bench.world.write(order).await;
    }
    let ids = vec![Uuid::now_v7(), paid.order_id, paid.order_id];
    let books = bench.port.audit(cx(), Audit::Of { ids }).await.unwrap();
    assert_eq!((books.orders, books.next), (vec![paid], None));
}

pub async fn retells_what_the_status_demands(bench: &Bench<impl OrdersWorld>) {
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
