use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Customer, TestShop};

async fn place(shop: &TestShop, who: &Customer, product: &str) -> String {
    let order = shop.place_order(who, &[(product, 1)]).await.expect(201);
    order["id"].as_str().unwrap().to_owned()
}

/// The statuses of an order's history.
fn statuses(order: &Value) -> Vec<&str> {
    let history = order["history"].as_array().unwrap().iter();
    history
        .map(|step| step["status"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn an_order_is_paid_shipped_and_delivered() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 4).await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let ada = shop.customer("ada").await;
    // Another order, whose stock must stay.
    shop.place_order(&ada, &[(&sofa, 1)]).await.expect(201);
    let lines = [(&*sofa, 2), (&*lamp, 3)];
    let placed = shop.place_order(&ada, &lines).await.expect(201);
    let id = placed["id"].as_str().unwrap();

    let mut before = placed.clone();
    for (step, status, sofas, lamps) in [
        ("pay", "paid", (4, 3, 1), (10, 3, 7)),
        ("ship", "shipped", (2, 1, 1), (7, 0, 7)),
        ("deliver", "delivered", (2, 1, 1), (7, 0, 7)),
    ] {
        let path = format!("/orders/{id}/{step}");
        let body = json!({ "reference": format!("No. {status}") });
        let order = shop.post_as(&admin, &path, &body).await.expect(200);
        assert_eq!(order["status"], status);
        let history = order["history"].as_array().unwrap();
        let (last, earlier) = history.split_last().unwrap();
        assert_eq!(&json!(earlier), &before["history"]);
        assert_eq!(
            *last,
            json!({ "status": status, "at": order["updated_at"], "reference": body["reference"] })
        );
        // What is answered is what is read, and a repetition leaves it as it is.
        let read = format!("/orders/{id}");
        assert_eq!(shop.get_as(&ada, &read).await.expect(200), order);
        let other = json!({ "reference": "another" });
        for repeated in [other, json!({})] {
            let again = shop.post_as(&admin, &path, &repeated).await;
            assert_eq!(again.expect(200), order);
        }
        shop.expect_balanced_books().await;
        assert_eq!(shop.stock(&sofa).await, sofas, "{status}");
        assert_eq!(shop.stock(&lamp).await, lamps, "{status}");
        before = order;
    }
    assert_eq!(
        statuses(&before),
        ["placed", "paid", "shipped", "delivered"]
    );
    assert_eq!(before["items"], placed["items"]);
    let list = shop.get_as(&ada, "/orders?status=delivered").await;
    assert_eq!(list.expect(200)["items"], json!([before]));
    shop.close().await;
}

#[tokio::test]
async fn a_step_out_of_order_is_refused() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let lives: [(&[&str], &str, &[&str]); 5] = [
        (&[], "placed", &["ship", "deliver"]),
        (&["pay"], "paid", &["deliver"]),
        (&["pay", "ship"], "shipped", &["pay", "cancel"]),
        (
            &["pay", "ship", "deliver"],
            "delivered",
            &["pay", "ship", "cancel"],
        ),
        (&["pay", "cancel"], "cancelled", &["pay", "ship", "deliver"]),
    ];
    for (steps, status, refused) in lives {
        let id = place(&shop, &admin, &lamp).await;
        for step in steps {
            shop.step_order(&admin, &id, step).await.expect(200);
        }
        let read = format!("/orders/{id}");
        let before = shop.get_as(&admin, &read).await.expect(200);
        assert_eq!(before["status"], status);
        for step in refused {
            let code = match *step {
                "cancel" => "not_cancellable",
                _ => "invalid_transition",
            };
            let answer = shop.step_order(&admin, &id, step).await;
            let problem = answer.expect_problem(409, code);
            assert!(problem["detail"].as_str().unwrap().contains(status));
        }
        assert_eq!(shop.get_as(&admin, &read).await.expect(200), before);
    }
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&lamp).await, (98, 2, 96));
    shop.close().await;
}

#[tokio::test]
async fn only_an_admin_moves_an_order_on() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let (ada, bob) = (shop.customer("ada").await, shop.customer("bob").await);
    let id = place(&shop, &ada, &lamp).await;
    let unknown = Uuid::now_v7().to_string();
    for step in ["pay", "ship", "deliver"] {
        let path = format!("/orders/{id}/{step}");
        shop.post(&path, &json!({}))
            .await
            .expect_problem(401, "missing_token");
        // Nor does it matter what they send.
        for body in [json!({}), json!({ "reference": 7 })] {
            shop.post_as(&ada, &path, &body)
                .await
                .expect_problem(403, "forbidden");
            shop.post_as(&bob, &path, &body)
                .await
                .expect_problem(404, "not_found");
        }
        for nobodys in [&*unknown, "7"] {
            shop.step_order(&admin, nobodys, step)
                .await
                .expect_problem(404, "not_found");
        }
    }
    let order = shop.get_as(&ada, &format!("/orders/{id}")).await;
    assert_eq!(statuses(&order.expect(200)), ["placed"]);
    shop.close().await;
}

#[tokio::test]
async fn a_reference_is_a_short_line_of_text() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let id = place(&shop, &admin, &lamp).await;
    let path = format!("/orders/{id}/pay");
    for reference in [
        json!(""),
        json!("é".repeat(201)),
        json!("two\nlines"),
        json!("\u{7f}"),
        json!("nul\u{0}"),
        json!(7),
    ] {
        let body = json!({ "reference": reference });
        let answer = shop.post_as(&admin, &path, &body).await;
        answer.expect_invalid("reference");
    }
    shop.post_as(&admin, &path, &json!({ "reason": "x" }))
        .await
        .expect_invalid("reason");
    let request = || {
        let request = shop.request(Method::POST, &format!("/api/v1{path}"));
        request.bearer_auth(&admin.token)
    };
    shop.send(request().header("content-type", "text/plain").body("x"))
        .await
        .expect_problem(415, "unsupported_media_type");
    let longest = json!({ "reference": "é".repeat(200) });
    let paid = shop.post_as(&admin, &path, &longest).await.expect(200);
    assert_eq!(paid["history"][1]["reference"], longest["reference"]);

    // Without a body there is no reference.
    let ship = shop.request(Method::POST, &format!("/api/v1/orders/{id}/ship"));
    let shipped = shop.send(ship.bearer_auth(&admin.token)).await.expect(200);
    assert!(shipped["history"][2].get("reference").is_none());
    shop.close().await;
}
