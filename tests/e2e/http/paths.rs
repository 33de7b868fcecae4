//! Paths that lead nowhere, and methods that a path does not answer.

use reqwest::Method;
use serde_json::json;

use crate::support::{Raw, TestShop};

#[tokio::test]
async fn an_unknown_path_is_404_whatever_is_asked_of_it() {
    let shop = TestShop::open().await;
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/products",
        "/API/V1/products",
        "/api/v1/orders/",
        "/api/v1/products/by-sku/",
        "/internal/users/account",
        "/metrics",
        "/ops/topology",
        "/console",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
            let answer = shop.send(shop.request(method, path)).await;
            let problem = answer.expect_problem(404, "unknown_route");
            assert_eq!(problem["instance"], path);
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn a_path_cannot_climb() {
    let shop = TestShop::open().await;
    for path in [
        "/../../etc/passwd",
        "/docs/../../etc/passwd",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/docs//etc/passwd",
        "/docs/..\\..\\etc\\passwd",
        "/api/v1/products/../../../etc/passwd",
        "/api/v1/products/..%2F..%2Fhealth",
        "/api/v1/../../health",
        "/health/../api/v1/products",
        "/health/%2e%2e",
        "//etc/passwd",
        "/%00",
        "/docs/%00",
        "/api/v1/products/%00",
        "/api/v1/products/%ff%fe",
        "/api/v1/products/%zz",
        "/api/v1/products/%",
        "/api/v1/products/by-sku/%00",
        "/api/v1/products/by-sku/%ff",
        "/api/v1/products/by-sku/%",
        "/api/v1/products/by-sku/..%2f..",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n");
        let answer = Raw::ask(&shop, request).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn a_malformed_id_names_nothing() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 1).await;
    let loud = product.to_uppercase();
    shop.get(&format!("/products/{loud}")).await.expect(200);
    for id in [
        "1",
        "x",
        "null",
        "018f-0000",
        "0198c5a0-0000-7000-8000-00000000000g",
        &product.replace('-', ""),
        &format!("{{{product}}}"),
        &format!("%7B{product}%7D"),
        &format!("urn:uuid:{product}"),
    ] {
        for (method, path) in [
            (Method::GET, format!("/products/{id}")),
            (Method::DELETE, format!("/products/{product}/images/{id}")),
            (Method::PUT, format!("/products/{id}/stock")),
            (Method::POST, format!("/products/{id}/stock/adjustments")),
            (Method::GET, format!("/orders/{id}")),
            (Method::POST, format!("/orders/{id}/cancel")),
        ] {
            let request = shop.request(method, &format!("/api/v1{path}"));
            let answer = shop.send(request.bearer_auth(&admin.token)).await;
            answer.expect_problem(404, "not_found");
        }
    }
    for id in [
        product.replace('-', ""),
        format!("{{{product}}}"),
        format!("urn:uuid:{product}"),
    ] {
        let new = json!({ "sku": "X", "name": "X", "price": { "amount": 1, "currency": "EUR" },
            "category_id": id });
        let order = json!({ "items": [{ "product_id": id, "quantity": 1 }] });
        let away = json!({ "items": [{ "product_id": product, "quantity": 1 }],
            "shipping_address_id": id });
        for (path, body, field) in [
            ("/products", new, "category_id"),
            (
                "/categories",
                json!({ "name": "X", "parent_id": id }),
                "parent_id",
            ),
            ("/orders", order, "items[0].product_id"),
            ("/orders", away, "shipping_address_id"),
            (
                "/cart/checkout",
                json!({ "shipping_address_id": id }),
                "shipping_address_id",
            ),
        ] {
            let answer = shop.post_as(&admin, path, &body).await;
            answer.expect_invalid(field);
        }
        let answer = shop.get_as(&admin, &format!("/orders?user_id={id}")).await;
        answer.expect_invalid("user_id");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_wrong_method_is_405_and_says_which_are_right() {
    let shop = TestShop::open().await;
    let anything = "0198c5a0-0000-7000-8000-000000000000";
    let brew = Method::from_bytes(b"BREW").unwrap();
    for (method, path, allowed) in [
        (Method::PUT, "/api/v1/orders", "GET HEAD POST"),
        (Method::GET, "/api/v1/auth/login", "POST"),
        (Method::HEAD, "/api/v1/auth/login", "POST"),
        (Method::DELETE, "/api/v1/auth/me", "GET HEAD"),
        (Method::OPTIONS, "/api/v1/auth/me", "GET HEAD"),
        (brew, "/api/v1/auth/me", "GET HEAD"),
        (Method::POST, "/api/v1/products/by-sku/SOFA", "GET HEAD"),
        (
            Method::GET,
            &format!("/api/v1/orders/{anything}/cancel"),
            "POST",
        ),
        (Method::POST, "/health", "GET HEAD"),
        (Method::POST, "/health/ready", "GET HEAD"),
        (Method::POST, "/api/v1/openapi.json", "GET HEAD"),
        (Method::POST, "/docs/", "GET HEAD"),
        (Method::POST, "/docs/swagger-ui.css", "GET HEAD"),
    ] {
        let head = method == Method::HEAD;
        let answer = shop.send(shop.request(method, path)).await;
        let allow = answer.header("allow").unwrap_or_default();
        let mut allow: Vec<_> = allow.split(", ").collect();
        allow.sort_unstable();
        assert_eq!(allow.join(" "), allowed, "{path}");
        match head {
            true => assert_eq!(answer.status, 405),
            false => drop(answer.expect_problem(405, "method_not_allowed")),
        }
    }
    shop.close().await;
}
