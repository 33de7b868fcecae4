//! Steps of one order's life, taken at the same instant.

use cleave::settings::Module;
use futures_util::future::join_all;
use serde_json::Value;

use crate::support::{Blocker, Customer, TestShop};

async fn order_after(shop: &TestShop, admin: &Customer, product: &str, steps: &[&str]) -> String {
    let order = shop.place_order(admin, &[(product, 1)]).await.expect(201);
    let id = order["id"].as_str().unwrap().to_owned();
    for step in steps {
        shop.step_order(admin, &id, step).await.expect(200);
    }
    shop.expect_balanced_books().await;
    id
}

/// Sends both while the order's row is locked, so that they meet; answers their codes and the
/// statuses that the order has been through.
async fn meet(
    shop: &TestShop,
    admin: &Customer,
    id: &str,
    [first, second]: [&str; 2],
) -> (u16, u16, String) {
    let row = format!("select from orders where id = '{id}' for update");
    let mut blocker = Blocker::hold(shop.databases.of(Module::Orders), &row).await;
    let (came_first, mut wait) = tokio::sync::oneshot::channel();
    let both_wait = async {
        blocker.victims(1).await;
        came_first.send(()).unwrap();
        blocker.victims(2).await;
        blocker.release().await;
    };
    let after = async {
        (&mut wait).await.unwrap();
        shop.step_order(admin, id, second).await
    };
    let first = shop.step_order(admin, id, first);
    let (first, second, ()) = tokio::join!(first, after, both_wait);
    shop.expect_balanced_books().await;
    let order = shop.get_as(admin, &format!("/orders/{id}")).await;
    let history = statuses(&order.expect(200));
    (first.status.as_u16(), second.status.as_u16(), history)
}

fn statuses(order: &Value) -> String {
    let history = order["history"].as_array().unwrap().iter();
    let statuses: Vec<_> = history
        .map(|step| step["status"].as_str().unwrap())
        .collect();
    assert_eq!(order["status"], *statuses.last().unwrap());
    statuses.join(" ")
}

#[tokio::test]
async fn paying_and_cancelling() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 9).await;
    for steps in [["pay", "cancel"], ["cancel", "pay"]] {
        let id = order_after(&shop, &admin, &sofa, &[]).await;
        let (first, second, history) = meet(&shop, &admin, &id, steps).await;
        let (pay, cancel) = if steps[0] == "pay" {
            (first, second)
        } else {
            (second, first)
        };
        assert_eq!(cancel, 200);
        let expected = match pay {
            200 => "placed paid cancelled",
            409 => "placed cancelled",
            other => panic!("{other}"),
        };
        assert_eq!(history, expected);
    }
    assert_eq!(shop.stock(&sofa).await, (9, 0, 9));
    shop.close().await;
}

#[tokio::test]
async fn shipping_and_cancelling() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 9).await;
    let mut on_hand = 9;
    for steps in [["ship", "cancel"], ["cancel", "ship"]] {
        let id = order_after(&shop, &admin, &sofa, &["pay"]).await;
        let (first, second, history) = meet(&shop, &admin, &id, steps).await;
        let won = match (first, second) {
            (200, 409) => steps[0],
            (409, 200) => steps[1],
            both => panic!("{both:?}"),
        };
        let end = if won == "ship" {
            "shipped"
        } else {
            "cancelled"
        };
        assert_eq!(history, format!("placed paid {end}"));
        on_hand -= i64::from(won == "ship");
        assert_eq!(shop.stock(&sofa).await, (on_hand, 0, on_hand));
    }
    shop.close().await;
}

#[tokio::test]
async fn shipping_twice() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 9).await;
    let id = order_after(&shop, &admin, &sofa, &["pay"]).await;
    let met = meet(&shop, &admin, &id, ["ship", "ship"]).await;
    assert_eq!(met, (200, 200, "placed paid shipped".to_owned()));
    let more = join_all((0..20).map(|_| shop.step_order(&admin, &id, "ship"))).await;
    assert!(more.iter().all(|answer| answer.status == 200), "{more:?}");
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (8, 0, 8));
    shop.close().await;
}

/// Whoever changes an order adds to its history, so both come as far as that and no farther until
/// they are let go together.
#[tokio::test]
async fn paying_when_the_time_to_pay_is_over() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 9).await;
    let mut cancelled = 0;
    for pay_first in [true, false, true, false] {
        let id = order_after(&shop, &admin, &sofa, &[]).await;
        let database = shop.databases.of(Module::Orders);
        let lock = "lock table order_history in share mode";
        let mut blocker = Blocker::hold(database, lock).await;
        let pay = shop.step_order(&admin, &id, "pay");
        if !pay_first {
            shop.let_wait(&id, 31).await;
            blocker.victims(1).await;
        }
        let meeting = async {
            if pay_first {
                blocker.victims(1).await;
                shop.let_wait(&id, 31).await;
            }
            blocker.victims(2).await;
            blocker.release().await;
        };
        let (paid, ()) = tokio::join!(pay, meeting);
        shop.expect_balanced_books().await;
        let order = shop.get_as(&admin, &format!("/orders/{id}")).await;
        let order = order.expect(200);
        let expected = match paid.status.as_u16() {
            200 => "placed paid",
            409 => "placed cancelled",
            other => panic!("{other}"),
        };
        assert_eq!(statuses(&order), expected);
        if paid.status == 409 {
            cancelled += 1;
            assert_eq!(order["history"][1]["reason"], "payment_window_expired");
        }
    }
    assert_eq!(shop.stock(&sofa).await.1, 4 - cancelled);
    shop.close().await;
}
