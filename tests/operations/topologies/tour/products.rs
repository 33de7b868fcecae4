use serde_json::{Value, json};

use super::{Tour, bare};
use crate::support::Customer;

const PRODUCTS: &str = "/api/v1/products";
const CREATE: &str = "POST /api/v1/products";
const IMPORT: &str = "POST /api/v1/products/import";

/// Returns the id of a product with ten pieces.
pub async fn visit(tour: &mut Tour<'_>, admin: &Customer, ada: &Customer) -> String {
    let sofa = create(tour, admin, ada).await;
    import(tour, admin, ada).await;
    read(tour, admin, &sofa).await;
    lists(tour).await;
    stock(tour, admin, ada, &sofa).await;
    sofa
}

async fn create(tour: &mut Tour<'_>, admin: &Customer, ada: &Customer) -> String {
    let sofa = json!({
        "sku": "SOFA/1 (blue)", "name": "Sofa „Große“ \u{1f6cb}", "description": "To sit on.\nTwo lines.",
        "price": { "amount": 50_000, "currency": "EUR" }, "handle": "sofa",
        "attributes": { "colour": "blue" }, "stock": { "on_hand": 10 },
    });
    let made = tour.send(Some(admin), CREATE, &sofa).await;
    tour.send(Some(admin), CREATE, &sofa).await;
    tour.send(Some(ada), CREATE, &sofa).await;
    tour.send(None, CREATE, &sofa).await;
    tour.send(Some(admin), CREATE, &json!({})).await;
    let mut odd = sofa.clone();
    odd["price"] = json!({ "amount": -1, "currency": "USD" });
    odd["attributes"] = json!({ "size": 42 });
    tour.send(Some(admin), CREATE, &odd).await;
    let long = json!({ "description": "x".repeat(10_000) });
    tour.send(Some(admin), CREATE, &long).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn import(tour: &mut Tour<'_>, admin: &Customer, ada: &Customer) {
    let ndjson: String = (1..=30)
        .map(|n| format!("{{\"sku\":\"LAMP-{n}\",\"name\":\"Lamp {n}\",\"category\":\"Home > Lamps\",\"price\":{{\"amount\":{n}00,\"currency\":\"EUR\"}}}}\n"))
        .collect();
    let csv = "sku,name,price_amount,price_currency\nMUG,Mug,1999,EUR\nCUP,,x,EUR\n";
    for (who, media_type, body) in [
        (admin, "application/x-ndjson", ndjson.as_str()),
        (
            admin,
            "application/x-ndjson",
            "{\"sku\":\"LAMP-1\"}\nnonsense\n",
        ),
        (admin, "text/csv", csv),
        (admin, "text/csv", "colour\nred\n"),
        (admin, "application/json", "{}"),
        (ada, "text/csv", csv),
    ] {
        tour.ask(IMPORT, &|request| {
            let request = request.bearer_auth(&who.token);
            request
                .header("content-type", media_type)
                .body(body.to_owned())
        })
        .await;
    }
    // In pieces, and so without a length.
    tour.ask(IMPORT, &|request| {
        let pieces = csv.as_bytes().chunks(7);
        let pieces: Vec<_> = pieces
            .map(|p| Ok::<_, std::io::Error>(p.to_vec()))
            .collect();
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let request = request.bearer_auth(&admin.token);
        request.header("content-type", "text/csv").body(body)
    })
    .await;
}

async fn read(tour: &mut Tour<'_>, admin: &Customer, sofa: &str) {
    for path in [
        sofa,
        "by-sku/SOFA%2F1%20(blue)",
        "by-sku/NONE",
        "by-sku/%ff",
        "0198c5a0-0000-7000-8000-000000000000",
        "7",
    ] {
        tour.get(None, &format!("{PRODUCTS}/{path}")).await;
        tour.get(Some(admin), &format!("{PRODUCTS}/{path}")).await;
    }
    tour.ask(&format!("HEAD {PRODUCTS}/{sofa}"), &bare).await;
    tour.get(None, "/api/v1/categories").await;
}

async fn lists(tour: &mut Tour<'_>) {
    for query in [
        "",
        "?q=sofa",
        "?q=lmap&limit=3",
        "?sort=-price&limit=2&min_price=500",
        "?category=home&sort=name&limit=5",
        "?in_stock=true",
        "?limit=0",
        "?sort=cheapest&min_price=x",
        "?cursor=nonsense",
        "?q=%00",
    ] {
        tour.get(None, &format!("{PRODUCTS}{query}")).await;
    }
    let mut cursor = String::new();
    loop {
        let path = format!("{PRODUCTS}?limit=12&sort=price{cursor}");
        let page = tour.get(None, &path).await;
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
}

async fn stock(tour: &mut Tour<'_>, admin: &Customer, ada: &Customer, sofa: &str) {
    let set = format!("PUT {PRODUCTS}/{sofa}/stock");
    let adjust = format!("POST {PRODUCTS}/{sofa}/stock/adjustments");
    let change = |delta: i64| json!({ "delta": delta, "reason": "counted" });
    for (call, body) in [
        (&set, json!({ "on_hand": 12 })),
        (&set, json!({ "on_hand": -1 })),
        (&set, Value::Null),
        (&adjust, change(-2)),
        (&adjust, change(-100)),
        (&adjust, change(0)),
    ] {
        tour.send(Some(admin), call, &body).await;
    }
    tour.send(Some(ada), &set, &json!({ "on_hand": 1 })).await;
    let unknown = format!("PUT {PRODUCTS}/0198c5a0-0000-7000-8000-000000000000/stock");
    tour.send(Some(admin), &unknown, &json!({ "on_hand": 1 }))
        .await;
}
