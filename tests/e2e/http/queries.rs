//! Query parameters are never clamped or ignored in silence.

use crate::support::TestShop;

#[tokio::test]
async fn a_query_parameter_that_is_wrong_is_422_and_named() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("cursor=", "cursor"),
        ("cursor=nonsense", "cursor"),
        ("cursor=bnVsbA", "cursor"),
        ("cursor=%ff", "cursor"),
    ] {
        for path in ["/products", "/orders"] {
            println!("{path}?{query}");
            shop.get_as(&ada, &format!("{path}?{query}"))
                .await
                .expect_invalid(name);
        }
    }
    for (query, name) in [
        ("sort=cheapest", "sort"),
        ("sort=", "sort"),
        ("in_stock=maybe", "in_stock"),
        ("min_price=-1", "min_price"),
        ("min_price=1.5", "min_price"),
        ("max_price=x", "max_price"),
        ("max_price=1000000000001", "max_price"),
        ("min_price=2&max_price=1", "max_price"),
        ("category=", "category"),
        ("handle=", "handle"),
        ("q=%00", "q"),
        ("q=%ff", "q"),
        ("q=sofa%C3", "q"),
        ("%ff=1", "query"),
        ("category=%00", "category"),
        ("handle=a%00", "handle"),
    ] {
        println!("{query}");
        shop.get(&format!("/products?{query}"))
            .await
            .expect_invalid(name);
    }
    for (query, name) in [
        ("status=lost", "status"),
        ("status=Placed", "status"),
        ("user_id=me", "user_id"),
    ] {
        println!("{query}");
        shop.get_as(&ada, &format!("/orders?{query}"))
            .await
            .expect_invalid(name);
    }
    shop.close().await;
}

#[tokio::test]
async fn a_cursor_of_one_list_does_not_open_another() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    for sku in ["A", "B"] {
        let id = shop.product(&admin, sku, 100, 9).await;
        shop.place_order(&admin, &[(&id, 1)]).await.expect(201);
    }
    let next = async |path: &str| {
        let page = shop.get_as(&admin, path).await.expect(200);
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let of_orders = next("/orders?limit=1").await;
    let by_price = next("/products?limit=1&sort=price").await;
    for path in [
        format!("/products?cursor={of_orders}"),
        format!("/products?cursor={by_price}"),
        format!("/products?cursor={by_price}&sort=name"),
        format!("/products?cursor={by_price}&sort=price&q=product"),
        format!("/orders?cursor={by_price}"),
    ] {
        println!("{path}");
        shop.get_as(&admin, &path).await.expect_invalid("cursor");
    }
    shop.close().await;
}

#[tokio::test]
async fn garbage_in_a_query_is_never_our_fault() {
    let shop = TestShop::open().await;
    for query in [
        "?",
        "?&&&",
        "?=",
        "?q=%",
        "?q=%zz",
        "?q=%ff%fe",
        "?q='%22%5C:*%26%7C!()",
        "?q=%20%20",
        "?q=%E2%80%AE%F0%9F%9B%8B",
        "?category=%27--",
        "?limit=1;drop",
    ] {
        let answer = shop.get(&format!("/products{query}")).await;
        let status = answer.status;
        assert!(status == 200 || status == 422, "{query}: {}", answer.text);
    }
    let long = "x".repeat(201);
    shop.get(&format!("/products?q={long}"))
        .await
        .expect_invalid("q");
    shop.close().await;
}
