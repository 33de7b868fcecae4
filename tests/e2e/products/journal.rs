use serde_json::{Value, json};

use crate::support::{Customer, TestShop};

async fn pages(shop: &TestShop, who: &Customer, id: &str, limit: usize) -> Vec<Value> {
    let path = format!("/products/{id}/stock/adjustments?limit={limit}");
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = shop.get_as(who, &format!("{path}{cursor}")).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let page = answer.expect(200);
        found.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn the_journal_tells_what_moved_why_and_by_whom() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 10).await;
    let stock = format!("/products/{sofa}/stock");
    shop.put_as(&admin, &stock, &json!({ "on_hand": 7 }))
        .await
        .expect(200);
    let adjust = format!("{stock}/adjustments");
    let found = json!({ "delta": 2, "reason": "found in the attic" });
    shop.post_as(&admin, &adjust, &found).await.expect(200);
    let order = shop.place_order(&admin, &[(&sofa, 3)]).await.expect(201);
    let order = order["id"].as_str().unwrap();
    for step in ["pay", "ship"] {
        shop.step_order(&admin, order, step).await.expect(200);
    }
    crate::support::eventually("the goods have left", async || {
        shop.stock(&sofa).await == (6, 0, 6)
    })
    .await;

    let journal = pages(&shop, &admin, &sofa, 100).await;
    let told: Vec<_> = journal
        .iter()
        .map(|one| {
            (
                one["delta"].as_i64().unwrap(),
                one["reason"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        (-3, "shipped"),
        (2, "found in the attic"),
        (-3, "counted"),
        (10, "initial"),
    ];
    assert_eq!(told, expected);
    assert_eq!(journal[0]["order_id"], order);
    assert_eq!(journal[0]["actor_id"], Value::Null);
    assert_eq!(journal[1]["actor_id"], json!(admin.id));
    assert_eq!(journal[1]["order_id"], Value::Null);
    assert!(journal[0]["created_at"].as_str() >= journal[1]["created_at"].as_str());
    for limit in 1..=4 {
        assert_eq!(pages(&shop, &admin, &sofa, limit).await, journal, "{limit}");
    }
    shop.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_journals_page_is_named() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 10).await;
    let table = shop.product(&admin, "TABLE", 100, 0).await;
    let path = |id: &str| format!("/products/{id}/stock/adjustments");
    let stock = format!("/products/{sofa}/stock");
    shop.put_as(&admin, &stock, &json!({ "on_hand": 7 }))
        .await
        .expect(200);
    let page = format!("{}?limit=1", path(&sofa));
    let page = shop.get_as(&admin, &page).await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=nonsense", "cursor"),
        (&*format!("cursor={cursor}x"), "cursor"),
    ] {
        let refused = shop
            .get_as(&admin, &format!("{}?{query}", path(&sofa)))
            .await;
        refused.expect_invalid(field);
    }
    let another = format!("{}?cursor={cursor}", path(&table));
    shop.get_as(&admin, &another).await.expect_invalid("cursor");
    assert_eq!(pages(&shop, &admin, &table, 1).await, Vec::<Value>::new());
    let nothing = path("0198c5a0-0000-7000-8000-000000000000");
    let missing = shop.get_as(&admin, &nothing).await;
    missing.expect_problem(404, "not_found");
    shop.close().await;
}
