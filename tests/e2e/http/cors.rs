use reqwest::Method;

use crate::support::{Answer, TestShop, Topology};

const SHOP: &str = "https://shop.example";

async fn ask(shop: &TestShop, origin: &str, path: &str) -> Answer {
    let request = shop.request(Method::GET, path);
    shop.send(request.header("origin", origin)).await
}

async fn preflight(shop: &TestShop, origin: &str) -> Answer {
    let request = shop
        .request(Method::OPTIONS, "/api/v1/orders")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization, content-type, idempotency-key",
        );
    shop.send(request).await
}

fn is_refused(answer: &Answer) -> bool {
    answer.header("access-control-allow-origin").is_none()
}

#[tokio::test]
async fn no_foreign_origin_may_call_unless_configured() {
    let shop = TestShop::open().await;
    let answer = ask(&shop, SHOP, "/api/v1/products").await;
    assert!(is_refused(&answer));
    answer.expect(200);
    let answer = preflight(&shop, SHOP).await;
    assert!(is_refused(&answer) && answer.status.is_client_error());
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    shop.close().await;
}

#[tokio::test]
async fn a_configured_origin_may_call_and_no_other() {
    let set = [
        "server.cors_origins=https://shop.example",
        "limits.requests_per_second=20",
    ];
    let shop = TestShop::open_with(Topology::default(), &set).await;
    let answer = preflight(&shop, SHOP).await;
    assert!(answer.status.is_success());
    let header = |name: &str| answer.header(name).unwrap_or_default().to_lowercase();
    assert_eq!(header("access-control-allow-origin"), SHOP);
    assert!(header("access-control-allow-methods").contains("post"));
    assert!(header("access-control-allow-headers").contains("idempotency-key"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);

    // Scripts may read refusals as well as results.
    for path in ["/api/v1/products", "/api/v1/auth/me", "/api/v1/nothing"] {
        let answer = ask(&shop, SHOP, path).await;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, Some(SHOP), "{path}");
        let vary = answer.header("vary").unwrap_or_default().to_lowercase();
        assert!(vary.contains("origin"), "{path}: {vary}");
    }
    let exposed = ask(&shop, SHOP, "/api/v1/products").await;
    let exposed = exposed.header("access-control-expose-headers").unwrap();
    for name in [
        "location",
        "etag",
        "retry-after",
        "x-request-id",
        "idempotent-replayed",
    ] {
        assert!(exposed.to_lowercase().contains(name), "{exposed}");
    }
    for foreign in ["https://evil.example", "https://shop.example.evil", "null"] {
        assert!(is_refused(&ask(&shop, foreign, "/api/v1/products").await));
        let answer = preflight(&shop, foreign).await;
        assert!(is_refused(&answer) && answer.status.is_client_error());
    }

    let refused = loop {
        let answer = ask(&shop, SHOP, "/api/v1/products").await;
        if answer.status == 429 {
            break answer;
        }
    };
    assert!(!is_refused(&refused), "a script cannot read this 429");
    shop.close().await;
}

#[tokio::test]
async fn any_origin_may_call_when_configured_so() {
    let set = ["server.cors_origins=*"];
    let shop = TestShop::open_with(Topology::default(), &set).await;
    let answer = ask(&shop, "https://any.example", "/api/v1/products").await;
    assert!(!is_refused(&answer));
    shop.close().await;
}
