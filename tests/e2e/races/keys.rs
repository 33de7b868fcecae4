use std::collections::HashSet;

use cleave::settings::Module;
use futures_util::future::join_all;
use serde_json::Value;

use crate::support::{Blocker, TestShop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_with_one_key_are_one_order() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    // The last piece is also enough for all hundred, as it is one order.
    for (sku, on_hand) in [("PLENTY", 1_000), ("LAST", 1)] {
        let product = shop.product(&admin, sku, 1_999, on_hand).await;
        let lines = [(&*product, 1)];
        let place = |_| shop.place_order_with_key(&admin, sku, &lines);
        let answers = join_all((0..100).map(place)).await;

        let (mut placed, mut ids) = (0, HashSet::new());
        for answer in answers {
            let replayed = answer.header("idempotent-replayed") == Some("true");
            assert_eq!(replayed, answer.status == 200, "{answer:?}");
            placed += i32::from(answer.status == 201);
            let code = if replayed { 200 } else { 201 };
            let order: Value = answer.expect(code);
            ids.insert(order["id"].as_str().unwrap().to_owned());
        }
        assert_eq!((placed, ids.len()), (1, 1), "{sku}");
        assert_eq!(shop.stock(&product).await, (on_hand, 1, on_hand - 1));
    }
    shop.expect_balanced_books().await;
    assert_eq!(shop.reservations("held").await, 0);
    shop.close().await;
}

/// All of them pass the look for an earlier order before the first has stored one.
#[tokio::test]
async fn requests_that_meet_at_the_last_step_are_one_order() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let last = shop.product(&admin, "LAST", 1_999, 1).await;
    let orders = shop.databases.of(Module::Orders);
    let mut blocker = Blocker::hold(orders, "lock table orders in exclusive mode").await;
    let lines = [(&*last, 1)];
    let place = |_| shop.place_order_with_key(&admin, "key", &lines);
    let meet = async {
        blocker.victims(8).await;
        blocker.release().await;
    };
    let (answers, ()) = tokio::join!(join_all((0..8).map(place)), meet);
    let mut codes: Vec<u16> = answers.iter().map(|a| a.status.as_u16()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [200, 200, 200, 200, 200, 200, 200, 201]);
    assert!(
        answers
            .iter()
            .all(|a| a.json["id"] == answers[0].json["id"])
    );
    assert_eq!(shop.stock(&last).await, (1, 1, 0));
    shop.expect_balanced_books().await;
    shop.close().await;
}

/// The order of a key is placed, and its stock sold to somebody else, while another request with
/// the key is on its way.
#[tokio::test]
async fn who_finds_the_stock_gone_finds_the_order_of_the_key() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let last = shop.product(&admin, "LAST", 1_999, 2).await;
    let lines = [(&*last, 1)];
    let order = shop.place_order_with_key(&admin, "first", &lines).await;
    let order = order.expect(201);
    let stock = shop.databases.of(Module::Products);
    let gone = format!(
        "update stock set on_hand = 1 where product_id = '{last}';
         insert into stock_movements (product_id, delta, reason) values ('{last}', -1, 'broken')"
    );
    let mut blocker = Blocker::hold(stock, &gone).await;
    let late = async {
        let late = shop.place_order_with_key(&admin, "second", &lines).await;
        let replayed = late.header("idempotent-replayed") == Some("true");
        (late.expect(200), replayed)
    };
    let meanwhile = async {
        blocker.victims(1).await;
        let mut orders = shop.connect(Module::Orders).await;
        sqlx::query("update orders set idempotency_key = 'second'")
            .execute(&mut orders)
            .await
            .unwrap();
        blocker.release().await;
    };
    let ((found, replayed), ()) = tokio::join!(late, meanwhile);
    assert_eq!((&found["id"], replayed), (&order["id"], true));
    shop.expect_balanced_books().await;
    shop.close().await;
}
