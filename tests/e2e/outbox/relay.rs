use futures_util::future::join_all;

use crate::support::{TestDatabases, TestShop, Topology};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_of_the_shop_share_the_work() {
    let databases = TestDatabases::create().await;
    let set = ["modules.orders.pool_max=8", "modules.products.pool_max=8"];
    let one = TestShop::open_on(databases.clone(), Topology::default(), &set).await;
    let two = TestShop::open_on(databases.clone(), Topology::default(), &set).await;
    let admin = one.admin().await;
    let lamp = one.product(&admin, "LAMP", 1_999, 1_000).await;
    let events = one.hold_events_back().await;
    let lines = [(&*lamp, 1)];
    let orders = join_all((0..60).map(|_| one.place_order(&admin, &lines))).await;
    let ids: Vec<String> = orders
        .into_iter()
        .map(|order| order.expect(201)["id"].as_str().unwrap().to_owned())
        .collect();
    let cancel = |n: usize| [&one, &two][n % 2].cancel_order(&admin, &ids[n]);
    for answer in join_all((0..30).map(cancel)).await {
        answer.expect(200);
    }
    events.let_go().await;
    two.expect_balanced_books().await;
    assert_eq!(two.stock(&lamp).await, (1_000, 30, 970));
    assert_eq!(one.reservations("allocated").await, 30);
    assert_eq!(one.reservations("closed").await, 30);
    two.close().await;
    one.close().await;
}
