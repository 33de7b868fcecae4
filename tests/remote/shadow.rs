//! Both sides are asked, one answers, and they are compared.

use cleave::settings::Module;
use serde_json::{Value, json};

use crate::node::{Node, balanced, product};
use crate::split::Split;
use crate::support::{TestDatabases, eventually};

async fn shadow(front: &Node, module: &str) -> Value {
    front.topology(module).await["shadow"].take()
}

#[tokio::test]
async fn reads_are_compared_and_writes_are_never_repeated() {
    let split = Split::hosted(&[]).await;
    let front = &split.front;
    for module in ["users", "products", "orders"] {
        front
            .turn(module, json!({"step": "shadow", "percent": 100}))
            .await
            .expect(200);
    }
    for number in 0..20 {
        front.get(&split.product_path()).await.expect(200);
        front.get("/products?limit=5").await.expect(200);
        front
            .get("/products/00000000-0000-7000-8000-000000000000")
            .await
            .expect(404);
        let body = product(&format!("SKU-{number}"), 5);
        front
            .post_as(&split.admin, "/products", &body)
            .await
            .expect(201);
        front
            .post_as(&split.admin, "/products", &body)
            .await
            .expect(409);
        front.login(&split.buyer).await.expect(200);
        front
            .order(&split.buyer, &split.product, 1)
            .await
            .expect(201);
        front.get_as(&split.buyer, "/auth/me").await.expect(200);
        front.get_as(&split.buyer, "/orders").await.expect(200);
    }
    let counted = |report: &Value| {
        let count = |what: &str| report[what].as_u64().unwrap();
        count("compared") + count("unanswered")
    };
    eventually("reads are compared", async || {
        counted(&shadow(front, "products").await) > 20
            && counted(&shadow(front, "orders").await) > 5
    })
    .await;
    for module in ["users", "products", "orders"] {
        let report = shadow(front, module).await;
        assert_eq!(report["unanswered"], 0, "{module}: {report}");
        println!("{module}: {report}");
        assert!(report["compared"].as_u64() > Some(5), "{module}: {report}");
    }
    assert_eq!(split.proxy.seen("POST /api/v1"), 0);
    for write in ["reserve", "release", "handle"] {
        assert_eq!(
            split
                .proxy
                .seen(&format!("POST /internal/products/v1/{write}")),
            0
        );
    }
    balanced(&split.databases).await;
    assert_eq!(front.orders(&split.buyer).await.len(), 20);
    split.close().await;
}

#[tokio::test]
async fn a_peer_that_answers_differently_is_found_out() {
    let databases = TestDatabases::create().await;
    let elsewhere = TestDatabases::create().await;
    let front = Node::start(&databases, &[]).await;
    let stranger = Node::start(&elsewhere, &[]).await;
    let admin = front.admin().await;
    let tea = front.product(&admin, "TEA", 10).await;
    let url = stranger.private_url();
    let turn = json!({"step": "shadow", "percent": 100, "url": url});
    front
        .turn("products", turn)
        .await
        .expect_problem(409, "peer_not_ready");
    let turn = json!({"step": "shadow", "percent": 100, "url": url, "force": true});
    front.turn("products", turn.clone()).await.expect(200);

    let path = format!("/products/{tea}");
    for _ in 0..30 {
        front.get(&path).await.expect(200);
    }
    eventually("all are compared", async || {
        shadow(&front, "products").await["compared"] == 30
    })
    .await;
    let report = shadow(&front, "products").await;
    assert_eq!(report["differed"], 30, "{report}");
    let last = report["last"].as_array().unwrap();
    assert_eq!(last.len(), 20);
    assert_eq!(last[0]["call"], json!(format!("GET /api/v1{path}")));
    assert!(
        last[0]["local"].as_str().unwrap().starts_with("200 {"),
        "{report}"
    );
    assert!(
        last[0]["local"].as_str().unwrap().contains("TEA"),
        "{report}"
    );
    assert!(
        last[0]["remote"].as_str().unwrap().starts_with("404 {"),
        "{report}"
    );
    assert!(
        last[0]["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{report}"
    );

    // Counts begin anew with each shadowing.
    front
        .turn("products", json!({"step": "local"}))
        .await
        .expect(200);
    front.turn("products", turn).await.expect(200);
    assert_eq!(shadow(&front, "products").await["compared"], 0);

    // Nothing was written there.
    let mut there = elsewhere.connect(Module::Products).await;
    let products: i64 = sqlx::query_scalar("select count(*) from products")
        .fetch_one(&mut there)
        .await
        .unwrap();
    assert_eq!(products, 0);
    drop(there);
    front.close().await;
    stranger.close().await;
}
