//! What is merely under way is no difference.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;

use crate::support::{TestShop, Topology, eventually};

const ORDERS: usize = 200;
const BUYERS: usize = 8;

/// Orders are placed and every other one is cancelled, while run follows run.
async fn nothing_is_reported_while_orders_come_and_go(topology: Topology) {
    let shop = TestShop::open_with(topology, &[]).await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10_000).await;
    let sofa = shop.product(&admin, "SOFA", 49_900, 10_000).await;
    let over = AtomicBool::new(false);
    let buying = async {
        join_all((0..BUYERS).map(async |_| {
            for number in 0..ORDERS / BUYERS {
                let lines = [(&*lamp, 1), (&*sofa, 2)];
                let order = shop.place_order(&admin, &lines).await.expect(201);
                if number % 2 == 0 {
                    let id = order["id"].as_str().unwrap();
                    shop.cancel_order(&admin, id).await.expect(200);
                }
            }
        }))
        .await;
        over.store(true, Ordering::Relaxed);
    };
    let auditing = async {
        let mut runs = 0;
        while !over.load(Ordering::Relaxed) || runs < 2 {
            let report = shop.reconcile(false).await;
            assert_eq!(report.total, 0, "{report:#?}");
            runs += 1;
        }
    };
    tokio::join!(buying, auditing);
    shop.expect_balanced_books().await;
    let report = shop.reconcile(false).await;
    assert_eq!((report.total, report.in_flight), (0, 0), "{report:#?}");
    assert_eq!(report.checked.orders, ORDERS as u64);
    // An odd number of orders each, of which every other one, and the first, is cancelled.
    let open = BUYERS * (ORDERS / BUYERS / 2);
    assert_eq!(report.checked.reservations, open as u64);
    assert_eq!(report.checked.products, 2);
    shop.close().await;
}

#[tokio::test]
async fn in_one_process() {
    nothing_is_reported_while_orders_come_and_go(Topology::ALL_LOCAL).await;
}

#[tokio::test]
async fn with_products_remote() {
    let remote = Topology::ALL.into_iter();
    let mut remote = remote.filter(|topology| topology.name == "products_remote");
    nothing_is_reported_while_orders_come_and_go(remote.next().unwrap()).await;
}

#[tokio::test]
async fn events_that_are_held_back_are_under_way() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let before = shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
    shop.expect_balanced_books().await;
    let events = shop.hold_events_back().await;
    shop.place_order(&admin, &[(&lamp, 2)]).await.expect(201);
    let id = before["id"].as_str().unwrap();
    shop.cancel_order(&admin, id).await.expect(200);
    for repair in [false, true] {
        let report = shop.reconcile(repair).await;
        assert_eq!((report.total, report.in_flight), (0, 2), "{report:#?}");
    }
    events.let_go().await;
    eventually("nothing is under way", async || {
        let report = shop.reconcile(false).await;
        assert_eq!(report.total, 0, "{report:#?}");
        report.in_flight == 0
    })
    .await;
    shop.close().await;
}
