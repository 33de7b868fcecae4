//! What every route has in common.

use super::{Tour, bare};
use crate::support::Customer;

const OF_EACH_MODULE: [&str; 3] = ["/api/v1/auth/me", "/api/v1/products", "/api/v1/orders"];
const DOCUMENT: &str = "/api/v1/openapi.json";

pub async fn visit(tour: &mut Tour<'_>, ada: &Customer, product: &str) {
    documents(tour).await;
    methods(tour, product).await;
    paths(tour).await;
    codings(tour, ada, product).await;
    origins(tour).await;
    ids(tour).await;
}

async fn documents(tour: &mut Tour<'_>) {
    for path in [DOCUMENT, "/docs/", "/docs", "/docs/missing.js"] {
        tour.get(None, path).await;
    }
    for path in ["/health/live", "/health/ready", "/health/payments"] {
        tour.get(None, path).await;
    }
}

async fn methods(tour: &mut Tour<'_>, product: &str) {
    let product = format!("/api/v1/products/{product}");
    let known = OF_EACH_MODULE
        .into_iter()
        .chain([DOCUMENT, "/health/live", &*product]);
    for path in known {
        for method in ["HEAD", "OPTIONS", "PATCH", "BREW"] {
            tour.ask(&format!("{method} {path}"), &bare).await;
        }
    }
    for call in [
        "GET /api/v1/auth/login",
        "DELETE /api/v1/auth/me",
        "GET /api/v1/products/import",
        "GET /api/v1/orders/7/cancel",
        "PUT /api/v1/orders",
        "POST /api/v1/categories",
    ] {
        tour.ask(call, &bare).await;
    }
}

async fn paths(tour: &mut Tour<'_>) {
    for path in [
        "/",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/authentication",
        "/api/v1/auth",
        "/api/v1/orders/",
        "/api/v1/products//",
        "/api/v1/products/by-sku/a%2F..%2Fb?x=%zz",
        "/api/v2/products",
        "/internal/products/v1/reserve",
        "/ops/topology",
        "/metrics",
    ] {
        tour.get(None, path).await;
    }
}

async fn codings(tour: &mut Tour<'_>, ada: &Customer, product: &str) {
    let product = format!("/api/v1/products/{product}");
    let known = OF_EACH_MODULE
        .into_iter()
        .chain([DOCUMENT, &*product, "/api/v1/nothing"]);
    for path in known {
        for accepted in [
            "gzip",
            "br",
            "gzip;q=0.5, br",
            "identity",
            "snappy",
            "identity;q=0",
        ] {
            tour.ask(&format!("GET {path}"), &|request| {
                let request = request.bearer_auth(&ada.token);
                request.header("accept-encoding", accepted)
            })
            .await;
        }
        tour.ask(&format!("HEAD {path}"), &|request| {
            let request = request.bearer_auth(&ada.token);
            request.header("accept-encoding", "gzip")
        })
        .await;
    }
}

async fn origins(tour: &mut Tour<'_>) {
    for path in OF_EACH_MODULE.into_iter().chain(["/api/v1/nothing"]) {
        for origin in ["https://shop.example", "https://evil.example"] {
            tour.ask(&format!("GET {path}"), &|r| r.header("origin", origin))
                .await;
            tour.ask(&format!("OPTIONS {path}"), &|request| {
                request
                    .header("origin", origin)
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", "authorization")
            })
            .await;
        }
    }
}

async fn ids(tour: &mut Tour<'_>) {
    for path in OF_EACH_MODULE {
        for id in ["order-77/a", "two words", ""] {
            tour.ask(&format!("GET {path}"), &|r| r.header("x-request-id", id))
                .await;
        }
        // What clients say of themselves is not believed, and not echoed.
        tour.ask(&format!("GET {path}"), &|request| {
            request
                .header("x-forwarded-for", "203.0.113.7")
                .header("x-forwarded-host", "evil.example")
                .header("x-cleave-service", "Bearer nonsense")
                .header("x-cleave-deadline-ms", "0")
                .header("connection", "x-cleave-caller")
        })
        .await;
    }
}
