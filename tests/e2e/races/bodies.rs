use cleave::settings::Module;
use futures_util::future::join_all;

use crate::support::{Blocker, TestShop};

/// Six requests with one body hold stock, one with another body wins the key meanwhile.
#[tokio::test]
async fn of_two_bodies_with_one_key_the_loser_leaves_no_hold_and_no_deadlock() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let wanted = shop.product(&admin, "WANTED", 1_000, 10).await;
    let other = shop.product(&admin, "OTHER", 1_000, 10).await;
    let stock = shop.databases.of(Module::Products);
    let mut blocker = Blocker::stock(stock, &wanted).await;

    let losers = async {
        let lines = [(&*wanted, 1)];
        let place = |_| shop.place_order_with_key(&admin, "key", &lines);
        join_all((0..6).map(place)).await
    };
    let winner = async {
        blocker.victims(6).await;
        let winner = shop
            .place_order_with_key(&admin, "key", &[(&other, 1)])
            .await;
        blocker.release().await;
        winner
    };
    let (losers, winner) = tokio::join!(losers, winner);
    winner.expect(201);
    for loser in losers {
        loser.expect_problem(422, "idempotency_key_reused");
    }
    assert_eq!(shop.stock(&wanted).await, (10, 0, 10));
    assert_eq!(shop.stock(&other).await, (10, 1, 9));
    shop.expect_balanced_books().await;

    let mut db = shop.connect(Module::Products).await;
    shop.close().await;
    let deadlocks: i64 = sqlx::query_scalar(
        "select deadlocks from pg_stat_database where datname = current_database()",
    )
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert_eq!(deadlocks, 0);
}

/// One of two requests with the same key fails on its last step while the other succeeds: the hold
/// is that of the one which succeeds.
#[tokio::test]
async fn a_failed_twin_does_not_give_away_the_stock_of_an_order() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let last = shop.product(&admin, "LAST", 1_000, 1).await;
    let orders = shop.databases.of(Module::Orders);
    let mut blocker = Blocker::hold(orders, "lock table orders in exclusive mode").await;

    let lines = [(&*last, 1)];
    let place = || shop.place_order_with_key(&admin, "key", &lines);
    let scenario = async {
        let victim = blocker.victims(2).await[0];
        blocker.cancel(victim).await;
        let rival = async {
            let rival = shop.place_order(&admin, &[(&last, 1)]).await;
            rival.expect_problem(409, "insufficient_stock");
        };
        // A rival that gets the stock waits for the same lock.
        let patience = std::time::Duration::from_secs(3);
        let _ = tokio::time::timeout(patience, rival).await;
        blocker.release().await;
    };
    let (one, two, ()) = tokio::join!(place(), place(), scenario);
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 503]);
    assert_eq!(shop.stock(&last).await, (1, 1, 0));
    shop.expect_balanced_books().await;
    let placed = if one.status == 201 { one } else { two };
    let path = format!("/orders/{}", placed.json["id"].as_str().unwrap());
    let order = shop.get_as(&admin, &path).await.expect(200);
    assert_eq!(order["status"], "placed");
    shop.close().await;
}
