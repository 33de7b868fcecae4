use cleave::settings::Module;
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Customer, TestShop};

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    let id = |order: &Value| order["id"].as_str().unwrap().to_owned();
    items.iter().map(id).collect()
}

async fn list(shop: &TestShop, who: &Customer, query: &str) -> Vec<String> {
    let path = format!("/orders?{query}");
    ids(&shop.get_as(who, &path).await.expect(200))
}

async fn place(shop: &TestShop, who: &Customer, product: &str) -> String {
    let order = shop.place_order(who, &[(product, 1)]).await.expect(201);
    order["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn customers_see_their_own_orders_and_admins_all() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let (ada, bob) = (shop.customer("ada").await, shop.customer("bob").await);
    let first = place(&shop, &ada, &lamp).await;
    let second = place(&shop, &bob, &lamp).await;
    let third = place(&shop, &ada, &lamp).await;
    let both = vec![third.clone(), first.clone()];

    assert_eq!(list(&shop, &ada, "").await, both);
    assert_eq!(
        list(&shop, &ada, &format!("user_id={}", ada.id)).await,
        both
    );
    assert_eq!(list(&shop, &bob, "").await, [&*second]);
    assert_eq!(list(&shop, &admin, "").await, [&*third, &*second, &*first]);
    assert_eq!(
        list(&shop, &admin, &format!("user_id={}", ada.id)).await,
        both
    );
    let foreign = format!("/orders?user_id={}", ada.id);
    shop.get_as(&bob, &foreign)
        .await
        .expect_problem(403, "forbidden");

    let path = format!("/orders/{first}");
    shop.get_as(&admin, &path).await.expect(200);
    shop.get_as(&bob, &path)
        .await
        .expect_problem(404, "not_found");
    shop.get(&path).await.expect_problem(401, "missing_token");
    for nobodys in [Uuid::now_v7().to_string(), "7".to_owned()] {
        let path = format!("/orders/{nobodys}");
        shop.get_as(&admin, &path)
            .await
            .expect_problem(404, "not_found");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_list_can_be_narrowed_to_a_status() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let (ada, mut ids) = (shop.customer("ada").await, Vec::new());
    for _ in 0..3 {
        ids.push(place(&shop, &ada, &lamp).await);
    }
    shop.cancel_order(&ada, &ids[1]).await.expect(200);
    let mut db = shop.connect(Module::Orders).await;
    sqlx::query("update orders set status = 'paid' where id = $1::uuid")
        .bind(&ids[2])
        .execute(&mut db)
        .await
        .unwrap();
    for who in [&ada, &admin] {
        assert_eq!(list(&shop, who, "status=placed").await, [&*ids[0]]);
        assert_eq!(list(&shop, who, "status=cancelled").await, [&*ids[1]]);
        assert_eq!(list(&shop, who, "status=paid").await, [&*ids[2]]);
        assert!(list(&shop, who, "status=shipped").await.is_empty());
    }
    for (query, field) in [
        ("status=lost", "status"),
        ("user_id=7", "user_id"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=garbage", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=IjEyMyI", "cursor"),
    ] {
        let path = format!("/orders?{query}");
        shop.get_as(&ada, &path).await.expect_invalid(field);
    }
    shop.close().await;
}

#[tokio::test]
async fn an_order_is_found_by_its_number_however_it_is_written() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let (ada, bob) = (shop.customer("ada").await, shop.customer("bob").await);
    let order = shop.place_order(&ada, &[(&lamp, 1)]).await.expect(201);
    place(&shop, &ada, &lamp).await;
    let (id, number) = (
        order["id"].as_str().unwrap(),
        order["number"].as_str().unwrap(),
    );
    let spoken = number.replace('-', "").to_lowercase();
    for query in [
        format!("number={number}"),
        format!("number={spoken}"),
        format!("number={number}&status=placed&user_id={}", ada.id),
    ] {
        assert_eq!(list(&shop, &admin, &query).await, [id], "{query}");
        assert_eq!(list(&shop, &ada, &query).await, [id], "{query}");
    }
    for query in [
        format!("number={number}&status=paid"),
        format!("number={number}&user_id={}", bob.id),
    ] {
        assert!(list(&shop, &admin, &query).await.is_empty(), "{query}");
    }
    assert!(
        list(&shop, &bob, &format!("number={number}"))
            .await
            .is_empty()
    );
    for wrong in ["", "7", "UUUU-UUUU", "7KQ2-M4XD-1"] {
        let path = format!("/orders?number={wrong}");
        shop.get_as(&admin, &path).await.expect_invalid("number");
    }
    shop.close().await;
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_orders_are_added() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let ada = shop.customer("ada").await;
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(place(&shop, &ada, &lamp).await);
    }
    placed.reverse();
    for who in [&ada, &admin] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/orders?limit=3{cursor}");
            let page = shop.get_as(who, &path).await.expect(200);
            seen.extend(ids(&page));
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
            place(&shop, &ada, &lamp).await;
        }
        assert_eq!(seen[seen.len() - 7..], placed);
        let mut distinct = seen.clone();
        distinct.dedup();
        assert_eq!(distinct, seen);
    }
    assert_eq!(list(&shop, &ada, "limit=1").await.len(), 1);
    shop.close().await;
}
