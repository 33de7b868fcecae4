use serde_json::json;

use crate::support::{Answer, Customer, TestShop};

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

#[tokio::test]
async fn a_repeated_request_finds_its_order_as_it_stands_now() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let (sofa, lamp) = (
        shop.product(&admin, "SOFA", 50_000, 4).await,
        shop.product(&admin, "LAMP", 1_999, 10).await,
    );
    let ada = shop.customer("ada").await;
    let place = async |lines: &[(&str, i64)]| shop.place_order_with_key(&ada, "k 1~", lines).await;

    let first = place(&[(&sofa, 1), (&lamp, 3)]).await;
    assert!(!is_replay(&first));
    let order = first.expect(201);
    // The same request, however it is written.
    let again = place(&[(&lamp, 1), (&sofa, 1), (&lamp, 2)]).await;
    assert!(is_replay(&again) && again.header("location").is_none());
    assert_eq!(again.expect(200), order);
    assert_eq!(shop.stock(&sofa).await, (4, 1, 3));

    let cancelled = shop.cancel_order(&ada, order["id"].as_str().unwrap()).await;
    let cancelled = cancelled.expect(200);
    let late = place(&[(&sofa, 1), (&lamp, 3)]).await;
    assert!(is_replay(&late));
    assert_eq!(late.expect(200), cancelled);
    assert_eq!(shop.stock(&sofa).await, (4, 0, 4));
    shop.expect_balanced_books().await;
    shop.close().await;
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_user() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 9).await;
    let (ada, bob) = (shop.customer("ada").await, shop.customer("bob").await);
    let lines = [(&*sofa, 1)];
    let of_ada = shop
        .place_order_with_key(&ada, "key", &lines)
        .await
        .expect(201);
    let of_bob = shop
        .place_order_with_key(&bob, "key", &lines)
        .await
        .expect(201);
    assert_ne!(of_ada["id"], of_bob["id"]);

    let reused = shop.place_order_with_key(&ada, "key", &[(&sofa, 2)]).await;
    reused.expect_problem(422, "idempotency_key_reused");
    let with_note = json!({ "items": [{ "product_id": sofa, "quantity": 1 }], "note": "" });
    send(&shop, &ada, "key", &with_note)
        .await
        .expect_problem(422, "idempotency_key_reused");
    assert_eq!(shop.stock(&sofa).await, (9, 2, 7));
    // Without a key every request is an order.
    shop.place_order(&ada, &lines).await.expect(201);
    shop.place_order(&ada, &lines).await.expect(201);
    assert_eq!(shop.stock(&sofa).await, (9, 4, 5));
    shop.close().await;
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 1).await;
    let place = async |quantity| {
        let lines = [(&*sofa, quantity)];
        shop.place_order_with_key(&admin, "key", &lines).await
    };
    place(2).await.expect_problem(409, "insufficient_stock");
    place(0).await.expect_invalid("items[0].quantity");
    let more = json!({ "on_hand": 2 });
    shop.put_as(&admin, &format!("/products/{sofa}/stock"), &more)
        .await
        .expect(200);
    place(2).await.expect(201);
    assert_eq!(shop.stock(&sofa).await, (2, 2, 0));
    shop.close().await;
}

#[tokio::test]
async fn a_key_is_1_to_255_printable_characters() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 9).await;
    let body = json!({ "items": [{ "product_id": sofa, "quantity": 1 }] });
    for key in ["", &"k".repeat(256), "schlüssel", "a\tb"] {
        send(&shop, &admin, key, &body)
            .await
            .expect_invalid("Idempotency-Key");
    }
    send(&shop, &admin, &"k".repeat(255), &body)
        .await
        .expect(201);
    assert_eq!(shop.stock(&sofa).await, (9, 1, 8));
    shop.close().await;
}

async fn send(shop: &TestShop, who: &Customer, key: &str, body: &serde_json::Value) -> Answer {
    let request = shop.request(reqwest::Method::POST, "/api/v1/orders");
    let value = reqwest::header::HeaderValue::from_bytes(key.as_bytes()).unwrap();
    let request = request
        .bearer_auth(&who.token)
        .header("Idempotency-Key", value);
    shop.send(request.json(body)).await
}
