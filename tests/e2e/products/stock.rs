use cleave::settings::Module;
use serde_json::{Value, json};

use crate::support::{Answer, Blocker, Customer, TestShop};

async fn set(shop: &TestShop, who: &Customer, id: &str, on_hand: i64) -> Answer {
    let path = format!("/products/{id}/stock");
    shop.put_as(who, &path, &json!({ "on_hand": on_hand }))
        .await
}

async fn adjust(shop: &TestShop, who: &Customer, id: &str, delta: i64) -> Answer {
    let path = format!("/products/{id}/stock/adjustments");
    let body = json!({ "delta": delta, "reason": "counted again" });
    shop.post_as(who, &path, &body).await
}

fn stock(product: &Value) -> Vec<i64> {
    let fields = ["on_hand", "reserved", "available"];
    let of = |field| product["stock"][field].as_i64().unwrap();
    fields.into_iter().map(of).collect()
}

#[tokio::test]
async fn stock_is_counted_and_adjusted_and_never_below_what_is_reserved() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 10).await;
    shop.place_order(&admin, &[(&sofa, 4)]).await.expect(201);

    let product = set(&shop, &admin, &sofa, 6).await.expect(200);
    assert_eq!(stock(&product), [6, 4, 2]);
    let product = adjust(&shop, &admin, &sofa, 5).await.expect(200);
    assert_eq!(stock(&product), [11, 4, 7]);
    let product = adjust(&shop, &admin, &sofa, -7).await.expect(200);
    assert_eq!(stock(&product), [4, 4, 0]);
    let product = set(&shop, &admin, &sofa, 4).await.expect(200);
    assert_eq!(stock(&product), [4, 4, 0]);

    for on_hand in [3, 0] {
        let refused = set(&shop, &admin, &sofa, on_hand).await;
        refused.expect_problem(409, "stock_in_use");
    }
    for delta in [-1, -5, -1_000_000] {
        let refused = adjust(&shop, &admin, &sofa, delta).await;
        refused.expect_problem(409, "stock_in_use");
    }
    assert_eq!(shop.stock(&sofa).await, (4, 4, 0));
    shop.close().await;
}

#[tokio::test]
async fn every_move_of_stock_is_on_record_with_its_reason() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 10).await;
    set(&shop, &admin, &sofa, 7).await.expect(200);
    set(&shop, &admin, &sofa, 7).await.expect(200);
    adjust(&shop, &admin, &sofa, 2).await.expect(200);
    let mut db = shop.connect(Module::Products).await;
    let moves: Vec<(i64, String)> =
        sqlx::query_as("select delta, reason from stock_movements order by id")
            .fetch_all(&mut db)
            .await
            .unwrap();
    let reasons = [(10, "initial"), (-3, "counted"), (2, "counted again")];
    assert_eq!(moves, reasons.map(|(delta, why)| (delta, why.to_owned())));
    shop.close().await;
}

#[tokio::test]
async fn adjustments_at_the_same_time_all_count() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 10).await;
    let all = (0..20).map(|i| adjust(&shop, &admin, &sofa, if i < 5 { -3 } else { 1 }));
    let answers = futures_util::future::join_all(all).await;
    let sum: i64 = answers
        .iter()
        .enumerate()
        .filter(|(_, answer)| answer.status == 200)
        .map(|(i, _)| if i < 5 { -3 } else { 1 })
        .sum();
    assert!(answers.iter().all(|a| a.status == 200 || a.status == 409));
    assert_eq!(shop.stock(&sofa).await.0, 10 + sum);
    shop.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_stock_is_named() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 10).await;
    let most = 1_000_000_000_000;
    set(&shop, &admin, &sofa, -1)
        .await
        .expect_invalid("on_hand");
    set(&shop, &admin, &sofa, most + 1)
        .await
        .expect_invalid("on_hand");
    adjust(&shop, &admin, &sofa, 0)
        .await
        .expect_invalid("delta");
    adjust(&shop, &admin, &sofa, most)
        .await
        .expect_invalid("delta");
    let path = format!("/products/{sofa}/stock/adjustments");
    for reason in [Value::Null, json!(""), json!("x".repeat(201))] {
        let body = json!({ "delta": 1, "reason": reason });
        shop.post_as(&admin, &path, &body)
            .await
            .expect_invalid("reason");
    }
    let nothing = "0198c5a0-0000-7000-8000-000000000000";
    let missing = set(&shop, &admin, nothing, 1).await;
    missing.expect_problem(404, "not_found");
    let missing = adjust(&shop, &admin, nothing, 1).await;
    missing.expect_problem(404, "not_found");
    assert_eq!(shop.stock(&sofa).await, (10, 0, 10));
    shop.close().await;
}

#[tokio::test]
async fn stock_is_held_against_what_is_reserved_now() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 10).await;
    shop.place_order(&admin, &[(&sofa, 10)]).await.expect(201);
    // While they wait, all that is reserved leaves the house.
    let left = format!("update stock set on_hand = 0, reserved = 0 where product_id = '{sofa}'");
    let database = shop.databases.of(Module::Products);
    let mut blocker = Blocker::hold(database, &left).await;
    let (counted, adjusted, ()) = futures_util::join!(
        set(&shop, &admin, &sofa, 3),
        adjust(&shop, &admin, &sofa, 3),
        async {
            blocker.victims(2).await;
            blocker.release().await;
        }
    );
    counted.expect(200);
    adjusted.expect(200);
    assert!([3, 6].contains(&shop.stock(&sofa).await.0));
    shop.close().await;
}
