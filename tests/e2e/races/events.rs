use std::time::Duration;

use cleave::settings::Module;
use ports::events::{Event, EventBody, OrderCancelled, OrderPlaced, OrderShipped};
use ports::products::{EventRejection, ReserveLine, ReserveRequest};
use ports::{CallContext, PortError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::support::{Blocker, TestShop};

/// The order's stock is taken again by a late event while the order's end is handled.
#[tokio::test]
async fn stock_taken_again_in_the_middle_of_a_cancellation_comes_back() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 1_000, 5).await;
    let (order_id, reservation_id) = (Uuid::now_v7(), Uuid::now_v7());
    let taking = format!(
        "update stock set reserved = 2 where product_id = '{sofa}';
         insert into reservations (id, state, order_id)
           values ('{reservation_id}', 'allocated', '{order_id}');
         insert into reservation_lines
           values ('{reservation_id}', '{sofa}', 2, 'SOFA', 'Sofa', 1000, 'EUR')"
    );
    let mut blocker = Blocker::hold(shop.databases.of(Module::Products), &taking).await;
    let cx = CallContext::system("test", Duration::from_secs(10));
    let cancelled = Event {
        id: Uuid::now_v7(),
        occurred_at: OffsetDateTime::now_utc(),
        body: EventBody::OrderCancelled(OrderCancelled {
            order_id,
            reservation_id,
        }),
    };
    let taken = async {
        blocker.victims(1).await;
        blocker.release().await;
    };
    let (handled, ()) = tokio::join!(shop.products().handle(cx, cancelled), taken);
    handled.unwrap();
    assert_eq!(shop.stock(&sofa).await, (5, 0, 5));
    assert_eq!(shop.reservations("closed").await, 1);
    shop.close().await;
}

/// Two deliveries of one event find no hold, and both wait for the last of the stock.
#[tokio::test]
async fn an_order_whose_stock_is_taken_by_its_own_event_is_not_out_of_stock() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 1_000, 2).await;
    let placed = Event {
        id: Uuid::now_v7(),
        occurred_at: OffsetDateTime::now_utc(),
        body: EventBody::OrderPlaced(OrderPlaced {
            order_id: Uuid::now_v7(),
            reservation_id: Uuid::now_v7(),
            lines: vec![ReserveLine {
                product_id: sofa.parse().unwrap(),
                quantity: 2,
            }],
        }),
    };
    let mut blocker = Blocker::stock(shop.databases.of(Module::Products), &sofa).await;
    let deliver = || {
        let cx = CallContext::system("test", Duration::from_secs(10));
        shop.products().handle(cx, placed.clone())
    };
    let both_wait = async {
        blocker.victims(2).await;
        blocker.release().await;
    };
    let (first, second, ()) = tokio::join!(deliver(), deliver(), both_wait);
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(shop.stock(&sofa).await, (2, 2, 0));
    assert_eq!(shop.reservations("allocated").await, 1);
    shop.close().await;
}

/// An order's events, each of them at least twice, in every order.
#[tokio::test]
async fn events_in_any_order_move_the_stock_once() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 1_000, 100).await;
    let line = ReserveLine {
        product_id: sofa.parse().unwrap(),
        quantity: 1,
    };
    let cx = || CallContext::system("test", Duration::from_secs(10));
    let handle = |event: &Event| shop.products().handle(cx(), event.clone());
    let mut on_hand = 100;
    let orders: [&[usize]; 7] = [
        &[0, 1, 2],
        &[0, 2, 1],
        &[1, 0, 2],
        &[1, 0, 1, 2],
        &[1, 2, 0],
        &[2, 0, 1],
        &[2, 1, 0],
    ];
    for order in orders {
        let (order_id, reservation_id) = (Uuid::now_v7(), Uuid::now_v7());
        let request = ReserveRequest {
            reservation_id,
            lines: vec![line],
        };
        shop.products().reserve(cx(), request).await.unwrap();
        let events = [
            EventBody::OrderPlaced(OrderPlaced {
                order_id,
                reservation_id,
                lines: vec![line],
            }),
            EventBody::OrderShipped(OrderShipped {
                order_id,
                reservation_id,
            }),
            EventBody::OrderCancelled(OrderCancelled {
                order_id,
                reservation_id,
            }),
        ]
        .map(Event::now);
        let mut allocated = false;
        let mut over = None;
        for which in order.iter().chain(order) {
            let early = *which == 1 && !allocated && over.is_none();
            match which {
                0 => allocated = true,
                1 if early => {}
                end => over = over.or(Some(*end)),
            }
            let refused = Err(PortError::Rejected(EventRejection::NotAllocated));
            let expected = if early { refused } else { Ok(()) };
            assert_eq!(
                handle(&events[*which]).await,
                expected,
                "{order:?}: {which}"
            );
        }
        on_hand -= i64::from(over == Some(1));
        assert_eq!(shop.stock(&sofa).await, (on_hand, 0, on_hand), "{order:?}");
    }
    // Where the shipment came between the other two.
    assert_eq!(on_hand, 98);
    shop.close().await;
}
