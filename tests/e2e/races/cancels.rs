use futures_util::future::join_all;

use crate::support::TestShop;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_cancellations_give_the_stock_back_once() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 9).await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 9).await;
    let lines = [(&*sofa, 2), (&*lamp, 3)];
    // Another order, whose stock must stay.
    shop.place_order(&admin, &lines).await.expect(201);
    let order = shop.place_order(&admin, &lines).await.expect(201);
    let id = order["id"].as_str().unwrap();

    let answers = join_all((0..50).map(|_| shop.cancel_order(&admin, id))).await;
    let mut bodies: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.expect(200))
        .collect();
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0]["history"].as_array().unwrap().len(), 2);
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (9, 2, 7));
    assert_eq!(shop.stock(&lamp).await, (9, 3, 6));
    assert_eq!(shop.reservations("closed").await, 1);
    shop.close().await;
}

/// The order is placed, repeated and cancelled at once; whatever wins, it is one order, and it ends
/// cancelled with its stock back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_among_repeated_requests() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 1).await;
    let lines = [(&*sofa, 1)];
    for round in 0..10 {
        let key = format!("round {round}");
        let place = || shop.place_order_with_key(&admin, &key, &lines);
        let first = place().await.expect(201);
        let id = first["id"].as_str().unwrap();
        let cancels = join_all((0..3).map(|_| shop.cancel_order(&admin, id)));
        let (replays, cancels) = tokio::join!(join_all((0..6).map(|_| place())), cancels);
        for replay in replays {
            assert_eq!(replay.expect(200)["id"], id);
        }
        for cancel in cancels {
            assert_eq!(cancel.expect(200)["status"], "cancelled");
        }
        assert_eq!(place().await.expect(200)["status"], "cancelled");
        shop.expect_balanced_books().await;
        assert_eq!(shop.stock(&sofa).await, (1, 0, 1), "round {round}");
    }
    shop.close().await;
}
