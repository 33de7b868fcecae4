//! A checkout, and what comes in its way.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Module, cart, check_out, is_replay, line, lines, put};
use crate::support::{Answer, Blocker, Customer, TestShop};

async fn number_of_orders(shop: &TestShop) -> i64 {
    let mut orders = shop.connect(Module::Orders).await;
    let count = sqlx::query_scalar("select count(*) from orders");
    count.fetch_one(&mut orders).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_checkouts_with_one_key_are_one_order() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let last = shop.product(&admin, "LAST", 1_999, 1).await;
    put(&shop, &admin, &last, 1).await.expect(200);
    let answers = (0..100).map(|_| check_out(&shop, &admin, Some("key"), Value::Null));
    let (mut placed, mut ids) = (0, HashSet::new());
    for answer in join_all(answers).await {
        assert_eq!(is_replay(&answer), answer.status == 200, "{answer:?}");
        placed += i32::from(answer.status == 201);
        let code = if is_replay(&answer) { 200 } else { 201 };
        let order = answer.expect(code);
        ids.insert(order["id"].as_str().unwrap().to_owned());
    }
    assert_eq!((placed, ids.len()), (1, 1));
    assert_eq!(cart(&shop, &admin).await["items"], json!([]));
    assert_eq!(shop.stock(&last).await, (1, 1, 0));
    shop.expect_balanced_books().await;
    assert_eq!(shop.reservations("held").await, 0);
    shop.close().await;
}

/// All of them have read the same cart and hold its stock before the first has stored its order.
async fn meeting(shop: &TestShop, who: &Customer, keys: &[Option<&str>]) -> Vec<Answer> {
    let orders = shop.databases.of(Module::Orders);
    let mut blocker = Blocker::hold(orders, "lock table cart_items in exclusive mode").await;
    let checkouts = keys
        .iter()
        .map(|key| check_out(shop, who, *key, Value::Null));
    let meet = async {
        blocker.victims(keys.len()).await;
        blocker.release().await;
    };
    tokio::join!(join_all(checkouts), meet).0
}

#[tokio::test]
async fn checkouts_that_meet_order_the_cart_once() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 1_000).await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 1_000).await;
    let same = [Some("same"); 6];
    for (round, (keys, expected)) in [
        (&[None; 6][..], [201, 409, 409, 409, 409, 409]),
        (&same[..], [200, 200, 200, 200, 200, 201]),
        (
            &[Some("a"), Some("b"), None, Some("c"), None, Some("d")][..],
            [201, 409, 409, 409, 409, 409],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        put(&shop, &admin, &lamp, 2).await.expect(200);
        put(&shop, &admin, &sofa, 1).await.expect(200);
        let answers = meeting(&shop, &admin, keys).await;
        let mut codes: Vec<u16> = answers.iter().map(|a| a.status.as_u16()).collect();
        codes.sort_unstable();
        assert_eq!(codes, expected);
        for answer in answers {
            if answer.status == 409 {
                answer.expect_problem(409, "empty_cart");
            }
        }
        let orders = i64::try_from(round).unwrap() + 1;
        assert_eq!(number_of_orders(&shop).await, orders);
        assert_eq!(cart(&shop, &admin).await["items"], json!([]));
        shop.expect_balanced_books().await;
        // Whoever was late has given back what it held.
        assert_eq!(shop.reservations("held").await, 0);
        assert_eq!(shop.stock(&lamp).await.1, 2 * orders);
    }
    shop.close().await;
}

/// A checkout has read the cart, and `meanwhile` happens before it holds the stock.
async fn interrupted(
    shop: &TestShop,
    who: &Customer,
    product: &str,
    key: Option<&str>,
    meanwhile: impl Future<Output = Answer>,
) -> Answer {
    let stock = shop.databases.of(Module::Products);
    let mut blocker = Blocker::stock(stock, product).await;
    let meanwhile = async {
        blocker.victims(1).await;
        meanwhile.await.expect(200);
        blocker.release().await;
    };
    tokio::join!(check_out(shop, who, key, Value::Null), meanwhile).0
}

#[tokio::test]
async fn lines_put_in_while_a_checkout_is_under_way_stay() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 100).await;
    put(&shop, &admin, &lamp, 2).await.expect(200);
    let late = put(&shop, &admin, &sofa, 1);
    let placed = interrupted(&shop, &admin, &lamp, None, late).await;
    let order = placed.expect(201);
    assert_eq!(order["total"]["amount"], 2 * 1_999);
    assert_eq!(lines(&cart(&shop, &admin).await), [line(&sofa, 1)]);
    shop.expect_balanced_books().await;
    shop.close().await;
}

#[tokio::test]
async fn a_cart_that_changes_while_it_is_ordered_is_ordered_as_it_then_is() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    for (round, key) in [None, Some("key")].into_iter().enumerate() {
        put(&shop, &admin, &lamp, 2).await.expect(200);
        let more = put(&shop, &admin, &lamp, 3);
        let placed = interrupted(&shop, &admin, &lamp, key, more).await;
        assert_eq!(placed.expect(201)["items"][0]["quantity"], 3, "{key:?}");
        assert_eq!(cart(&shop, &admin).await["items"], json!([]));
        // What was held for the first try is given back.
        shop.expect_balanced_books().await;
        assert_eq!(shop.reservations("held").await, 0);
        let reserved = 3 * (i64::try_from(round).unwrap() + 1);
        assert_eq!(shop.stock(&lamp).await, (100, reserved, 100 - reserved));
    }
    let (orders, held) = (number_of_orders(&shop).await, shop.stock(&lamp).await);
    put(&shop, &admin, &lamp, 2).await.expect(200);
    let none = shop.delete_as(&admin, "/cart");
    let refused = interrupted(&shop, &admin, &lamp, Some("late"), none).await;
    refused.expect_problem(409, "empty_cart");
    assert_eq!(number_of_orders(&shop).await, orders);
    assert_eq!(shop.stock(&lamp).await, held);
    assert_eq!(shop.reservations("held").await, 0);
    shop.close().await;
}

/// Whatever was put in is ordered once, or still there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_cart_and_orders_and_nothing_is_there_twice() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let mut products = Vec::new();
    for number in 0..12 {
        products.push(
            shop.product(&admin, &format!("P{number}"), 100, 1_000)
                .await,
        );
    }
    let all_in = AtomicBool::new(false);
    let puts = async {
        for product in &products {
            put(&shop, &admin, product, 1).await.expect(200);
        }
        all_in.store(true, Ordering::Relaxed);
    };
    let checkouts = async {
        let mut placed = Vec::new();
        while !all_in.load(Ordering::Relaxed) {
            let answers = (0..4).map(|_| check_out(&shop, &admin, None, Value::Null));
            for answer in join_all(answers).await {
                match answer.status.as_u16() {
                    201 => placed.push(answer.expect(201)),
                    // It lost to the others, at once or again and again.
                    _ => assert_eq!(answer.status, 409, "{answer:?}"),
                }
            }
        }
        placed
    };
    let ((), placed) = tokio::join!(puts, checkouts);
    let left = cart(&shop, &admin).await;
    let mut found: Vec<String> = lines(&left).into_iter().map(|(id, ..)| id).collect();
    for order in &placed {
        let items = order["items"].as_array().unwrap().iter();
        found.extend(items.map(|item| item["product_id"].as_str().unwrap().to_owned()));
    }
    found.sort_unstable();
    products.sort_unstable();
    assert_eq!(found, products);
    shop.expect_balanced_books().await;
    shop.close().await;
}
