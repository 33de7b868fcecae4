//! Real answers against the schemas that the OpenAPI document promises.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::tour::Tour;
use crate::support::pictures::{form_of, png};
use crate::support::{Customer, PASSWORD, TestShop, address, document, eventually};

#[tokio::test]
async fn real_answers_are_what_the_document_says() {
    let shop = TestShop::open().await;
    let document = document();
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let mut tour = Tour {
        shop,
        document,
        covered: Vec::new(),
    };
    users(&mut tour, &ada).await;
    own(&mut tour, &ada).await;
    let product = products(&mut tour, &admin, &ada).await;
    let webhook = webhook(&mut tour, &admin).await;
    orders(&mut tour, &ada, &product).await;
    steps(&mut tour, &admin, &ada, &product).await;
    deliveries(&mut tour, &admin, &webhook).await;
    accounts(&mut tour, &admin, &ada).await;
    for path in [
        "",
        "/live",
        "/ready",
        "/{module=orders}",
        "/{module=nothing}",
    ] {
        tour.ask(None, &format!("GET /health{path}"), Value::Null)
            .await;
    }
    tour.ask(None, "GET /api/v1/openapi.json", Value::Null)
        .await;
    tour.ask(None, "GET /.well-known/jwks.json", Value::Null)
        .await;

    let covered = tour.covered.iter().filter_map(|name| name.rsplit_once(' '));
    let operations: BTreeSet<_> = covered.map(|(operation, _)| operation).collect();
    let paths = tour.document["paths"].as_object().unwrap();
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys() {
            let operation = format!("{method} {path}");
            assert!(
                operations.contains(operation.as_str()),
                "the tour leaves out {operation}"
            );
        }
    }
    tour.shop.close().await;
}

async fn users(tour: &mut Tour, ada: &Customer) {
    let bob = json!({ "email": "bob@example.com", "password": PASSWORD, "full_name": "Bob" });
    let register = "POST /auth/register";
    tour.ask(None, register, bob.clone()).await.expect(201);
    tour.ask(None, register, bob).await.expect(409);
    tour.ask(None, register, json!({})).await.expect(422);
    tour.ask(None, register, Value::Null).await.expect(400);
    let wrong = json!({ "email": "bob@example.com", "password": "wrong" });
    tour.ask(None, "POST /auth/login", wrong).await.expect(401);
    let right = json!({ "email": "bob@example.com", "password": PASSWORD });
    let tokens = tour.ask(None, "POST /auth/login", right).await.expect(200);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    tour.ask(None, "POST /auth/refresh", refresh.clone())
        .await
        .expect(200);
    tour.ask(None, "POST /auth/refresh", refresh.clone())
        .await
        .expect(401);
    tour.ask(None, "POST /auth/logout", refresh)
        .await
        .expect(204);
    tour.ask(Some(ada), "GET /auth/me", Value::Null)
        .await
        .expect(200);
    tour.ask(None, "GET /auth/me", Value::Null)
        .await
        .expect(401);
}

/// What is one's own.
async fn own(tour: &mut Tour, ada: &Customer) {
    let who = Some(ada);
    let home = address();
    let book = "POST /users/me/addresses";
    let made = tour.ask(who, book, home.clone()).await.expect(201);
    tour.ask(who, book, json!({})).await.expect(422);
    let id = made["id"].as_str().unwrap();
    let session = tour.shop.session(&tour.shop.customer("own").await).await;
    let password = json!({ "current_password": "x", "new_password": PASSWORD });
    let unchanged = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
    for (call, body, status) in [
        ("GET /users/me/addresses?limit=1", Value::Null, 200),
        ("GET /users/me/addresses?limit=0", Value::Null, 422),
        (
            &format!("GET /users/me/addresses/{{id={id}}}"),
            Value::Null,
            200,
        ),
        (&format!("PUT /users/me/addresses/{{id={id}}}"), home, 200),
        (
            &format!("DELETE /users/me/addresses/{{id={id}}}"),
            Value::Null,
            204,
        ),
        (
            &format!("DELETE /users/me/addresses/{{id={id}}}"),
            Value::Null,
            404,
        ),
        ("GET /auth/sessions", Value::Null, 200),
        ("GET /auth/sessions?cursor=x", Value::Null, 422),
        (
            &format!("DELETE /auth/sessions/{{id={session}}}"),
            Value::Null,
            404,
        ),
        ("PATCH /users/me", json!({ "full_name": "Ada" }), 200),
        (
            "PATCH /users/me",
            json!({ "email": "bob@example.com" }),
            409,
        ),
        ("PATCH /users/me", json!({ "email": null }), 422),
        ("PUT /users/me/password", password, 422),
        ("PUT /users/me/password", unchanged, 204),
    ] {
        tour.ask(who, call, body).await.expect(status);
    }
}

async fn accounts(tour: &mut Tour, admin: &Customer, ada: &Customer) {
    for (method, id, body, status) in [
        ("GET", &ada.id, Value::Null, 200),
        ("GET", &Uuid::now_v7().to_string(), Value::Null, 404),
        ("PATCH", &ada.id, json!({ "is_active": true }), 200),
        ("PATCH", &ada.id, json!({ "is_active": null }), 422),
        ("PATCH", &admin.id, json!({ "role": "customer" }), 409),
        ("PATCH", &admin.id, Value::Null, 200),
    ] {
        let call = format!("{method} /users/{{id={id}}}");
        tour.ask(Some(admin), &call, body).await.expect(status);
    }
    let list = "GET /users?q=ada&limit=1";
    tour.ask(Some(admin), list, Value::Null).await.expect(200);
    tour.ask(Some(ada), list, Value::Null).await.expect(403);
    let get = format!("GET /users/{{id={}}}", ada.id);
    tour.ask(Some(ada), &get, Value::Null).await.expect(403);
    let delete = "DELETE /users/me";
    tour.ask(Some(admin), delete, Value::Null).await.expect(409);
    tour.ask(Some(ada), delete, Value::Null).await.expect(204);
}

async fn products(tour: &mut Tour, admin: &Customer, ada: &Customer) -> String {
    let sofa = json!({
        "sku": "SOFA", "name": "Sofa", "description": "To sit on", "handle": "sofa",
        "price": { "amount": 100, "currency": "EUR" }, "stock": { "on_hand": 5 },
        "attributes": { "colour": "blue" },
    });
    let create = "POST /products";
    let made = tour
        .ask(Some(admin), create, sofa.clone())
        .await
        .expect(201);
    tour.ask(Some(admin), create, sofa.clone())
        .await
        .expect(409);
    tour.ask(Some(admin), create, json!({})).await.expect(422);
    tour.ask(Some(ada), create, sofa).await.expect(403);
    let bare =
        json!({ "sku": "BARE", "name": "Bare", "price": { "amount": 0, "currency": "EUR" } });
    tour.ask(Some(admin), create, bare).await.expect(201);

    let import = "POST /products/import";
    let lines = "{\"sku\":\"BARE\",\"name\":\"Barer\"}\nnonsense\n";
    tour.ask(Some(admin), import, lines.into())
        .await
        .expect(200);
    tour.ask(Some(ada), import, lines.into()).await.expect(403);

    let id = made["id"].as_str().unwrap().to_owned();
    categories(tour, admin).await;
    changes(tour, admin, &id).await;
    media(tour, admin, ada, &id).await;
    for (call, status) in [
        (format!("GET /products/{{id={id}}}"), 200),
        (format!("GET /products/{{id={}}}", ada.id), 404),
        ("GET /products/by-sku/{sku=BARE}".to_owned(), 200),
        ("GET /products/by-sku/{sku=NONE}".to_owned(), 404),
        ("GET /products?q=sofa&limit=1".to_owned(), 200),
        ("GET /products?facets=true".to_owned(), 200),
        ("GET /products?limit=0".to_owned(), 422),
        ("GET /categories".to_owned(), 200),
    ] {
        tour.ask(None, &call, Value::Null).await.expect(status);
    }
    let stock = format!("PUT /products/{{id={id}}}/stock");
    tour.ask(Some(admin), &stock, json!({ "on_hand": 9 }))
        .await
        .expect(200);
    tour.ask(Some(admin), &stock, json!({ "on_hand": -1 }))
        .await
        .expect(422);
    let adjust = format!("POST /products/{{id={id}}}/stock/adjustments");
    let lost = json!({ "delta": -10, "reason": "lost" });
    tour.ask(Some(admin), &adjust, lost).await.expect(409);
    let found = json!({ "delta": 1, "reason": "found" });
    tour.ask(Some(admin), &adjust, found).await.expect(200);
    let journal = format!("GET /products/{{id={id}}}/stock/adjustments?limit=1");
    tour.ask(Some(admin), &journal, Value::Null)
        .await
        .expect(200);
    id
}

async fn categories(tour: &mut Tour, admin: &Customer) {
    let create = "POST /categories";
    let home = json!({ "name": "Home" });
    let made = tour.ask(Some(admin), create, home).await.expect(201);
    let home = made["id"].as_str().unwrap();
    let lamps = json!({ "name": "Lamps", "slug": "lamps", "parent_id": home });
    let made = tour.ask(Some(admin), create, lamps.clone()).await;
    let made = made.expect(201);
    let lamps_id = made["id"].as_str().unwrap();
    tour.ask(Some(admin), create, lamps).await.expect(409);
    tour.ask(Some(admin), create, json!({})).await.expect(422);
    let cycle = json!({ "name": "Home", "parent_id": lamps_id });
    for (call, body, status) in [
        (format!("PUT /categories/{{id={home}}}"), cycle, 409),
        (
            format!("PUT /categories/{{id={lamps_id}}}"),
            json!({ "name": "Lamps", "parent_id": home }),
            200,
        ),
        (format!("GET /categories/{{id={home}}}"), Value::Null, 200),
        (
            format!("DELETE /categories/{{id={home}}}"),
            Value::Null,
            409,
        ),
        (
            format!("DELETE /categories/{{id={lamps_id}}}"),
            Value::Null,
            204,
        ),
        (
            format!("DELETE /categories/{{id={lamps_id}}}"),
            Value::Null,
            404,
        ),
        (
            format!("GET /categories/{{id={lamps_id}}}"),
            Value::Null,
            404,
        ),
    ] {
        tour.ask(Some(admin), &call, body).await.expect(status);
    }
}

async fn changes(tour: &mut Tour, admin: &Customer, id: &str) {
    let bare =
        json!({ "sku": "GONE", "name": "Gone", "price": { "amount": 1, "currency": "EUR" } });
    let made = tour.ask(Some(admin), "POST /products", bare.clone()).await;
    let gone = made.expect(201)["id"].as_str().unwrap().to_owned();
    for (call, body, status) in [
        (format!("PUT /products/{{id={gone}}}"), bare, 200),
        (format!("PUT /products/{{id={gone}}}"), json!({}), 422),
        (
            format!("PATCH /products/{{id={id}}}"),
            json!({ "attributes": { "size": "XL" } }),
            200,
        ),
        (
            format!("PATCH /products/{{id={id}}}"),
            json!({ "sku": "GONE" }),
            409,
        ),
        (
            format!("PATCH /products/{{id={id}}}"),
            json!({ "sku": null }),
            422,
        ),
        (format!("DELETE /products/{{id={gone}}}"), Value::Null, 204),
        (
            format!("DELETE /products/{{id={}}}", admin.id),
            Value::Null,
            404,
        ),
    ] {
        tour.ask(Some(admin), &call, body).await.expect(status);
    }
}

async fn media(tour: &mut Tour, admin: &Customer, ada: &Customer, product: &str) {
    let form = form_of(&png(3, 2));
    let made = tour.upload(admin, product, form.clone()).await.expect(201);
    tour.upload(ada, product, form.clone()).await.expect(403);
    tour.upload(admin, &ada.id, form).await.expect(404);
    for (form, status) in [
        (Vec::new(), 400),
        (form_of(b"just words"), 415),
        (form_of(b""), 422),
        (form_of(&png(3, 2)[..40]), 422),
        (form_of(&vec![0; 11 << 20]), 413),
    ] {
        tour.upload(admin, product, form).await.expect(status);
    }
    let key = made["url"].as_str().unwrap().rsplit('/').next().unwrap();
    let delete = format!(
        "DELETE /products/{{id={product}}}/images/{{image_id={}}}",
        made["id"].as_str().unwrap()
    );
    for (who, call, status) in [
        (None, format!("GET /media/{{key={key}}}"), 200),
        (None, format!("GET /media/{{key={key}}}?size=huge"), 422),
        (Some(ada), delete.clone(), 403),
        (Some(admin), delete.clone(), 204),
        (Some(admin), delete, 404),
        (None, format!("GET /media/{{key={key}}}"), 404),
        (Some(admin), "GET /products/export".to_owned(), 200),
        (
            Some(admin),
            "GET /products/export?format=csv".to_owned(),
            200,
        ),
        (
            Some(admin),
            "GET /products/export?format=xml".to_owned(),
            422,
        ),
        (Some(ada), "GET /products/export".to_owned(), 403),
    ] {
        tour.ask(who, &call, Value::Null).await.expect(status);
    }
}

async fn orders(tour: &mut Tour, ada: &Customer, product: &str) {
    let order = |quantity: i64| json!({ "items": [{ "product_id": product, "quantity": quantity }], "note": "ring twice" });
    let place = "POST /orders";
    let placed = tour.ask(Some(ada), place, order(2)).await.expect(201);
    tour.ask(Some(ada), place, order(1_000)).await.expect(409);
    tour.ask(Some(ada), place, order(0)).await.expect(422);
    tour.ask(None, place, order(1)).await.expect(401);
    let id = placed["id"].as_str().unwrap();
    tour.ask(Some(ada), "GET /orders?limit=5", Value::Null)
        .await
        .expect(200);
    let read = format!("GET /orders/{{id={id}}}");
    tour.ask(Some(ada), &read, Value::Null).await.expect(200);
    let unknown = format!("GET /orders/{{id={product}}}");
    tour.ask(Some(ada), &unknown, Value::Null).await.expect(404);
    let cancel = format!("POST /orders/{{id={id}}}/cancel");
    tour.ask(Some(ada), &cancel, json!({ "reason": "no room" }))
        .await
        .expect(200);
    tour.ask(Some(ada), &read, Value::Null).await.expect(200);
    let events = format!("GET /orders/{{id={id}}}/events");
    // It is at its end, and so are its events.
    for (who, code) in [(None, 401), (Some(ada), 200)] {
        let answer = tour.ask(who, &events, Value::Null).await;
        assert_eq!(answer.status, code);
    }
    cart(tour, ada, product).await;
}

async fn cart(tour: &mut Tour, ada: &Customer, product: &str) {
    let line = format!("PUT /cart/items/{{product_id={product}}}");
    let out = format!("DELETE /cart/items/{{product_id={product}}}");
    let quantity = |quantity: i64| json!({ "quantity": quantity });
    for (call, body, status) in [
        ("GET /cart", Value::Null, 200),
        ("POST /cart/checkout", Value::Null, 409),
        (&*line, quantity(2), 200),
        (&line, quantity(-1), 422),
        ("GET /cart", Value::Null, 200),
        ("POST /cart/checkout", json!({ "note": "soon" }), 201),
        (&line, quantity(1_000_000), 200),
        ("POST /cart/checkout", json!({}), 409),
        (&out, Value::Null, 200),
        ("DELETE /cart", Value::Null, 200),
    ] {
        tour.ask(Some(ada), call, body).await.expect(status);
    }
    let nobody = format!("PUT /cart/items/{{product_id={}}}", Uuid::now_v7());
    tour.ask(Some(ada), &nobody, quantity(1)).await.expect(422);
    tour.ask(None, "GET /cart", Value::Null).await.expect(401);
}

async fn webhook(tour: &mut Tour, admin: &Customer) -> String {
    let make = "POST /webhooks";
    let body = json!({ "url": "https://shop.invalid/", "events": ["order.paid", "order.placed"] });
    let made = tour.ask(Some(admin), make, body).await.expect(201);
    let all = json!({ "url": "https://shop.invalid/" });
    tour.ask(Some(admin), make, all).await.expect(201);
    let inside = json!({ "url": "https://10.0.0.1/" });
    tour.ask(Some(admin), make, inside).await.expect(422);
    let id = made["id"].as_str().unwrap().to_owned();
    for (call, status) in [
        ("GET /webhooks?limit=1".to_owned(), 200),
        (format!("GET /webhooks/{{id={id}}}"), 200),
        (format!("GET /webhooks/{{id={}}}", admin.id), 404),
    ] {
        let answer = tour.ask(Some(admin), &call, Value::Null).await;
        answer.expect(status);
    }
    id
}

/// One of which was tried.
async fn deliveries(tour: &mut Tour, admin: &Customer, webhook: &str) {
    let list = format!("GET /webhooks/{{id={webhook}}}/deliveries");
    eventually("a delivery was tried", async || {
        let page = tour.ask(Some(admin), &list, Value::Null).await.expect(200);
        let mut items = page["items"].as_array().unwrap().iter();
        items.any(|item| item["attempts"][0]["error"].is_string())
    })
    .await;
    let delete = format!("DELETE /webhooks/{{id={webhook}}}");
    for status in [204, 404] {
        let answer = tour.ask(Some(admin), &delete, Value::Null).await;
        answer.expect(status);
    }
    let gone = tour.ask(Some(admin), &list, Value::Null).await;
    gone.expect(404);
}

async fn steps(tour: &mut Tour, admin: &Customer, ada: &Customer, product: &str) {
    let order = json!({ "items": [{ "product_id": product, "quantity": 1 }] });
    let placed = tour.ask(Some(ada), "POST /orders", order).await.expect(201);
    let id = placed["id"].as_str().unwrap();
    let call = |step: &str| format!("POST /orders/{{id={id}}}/{step}");
    let reference = json!({ "reference": "No. 7" });
    for step in ["pay", "ship", "deliver"] {
        let next = call(step);
        for (who, code) in [(None, 401), (Some(ada), 403), (Some(admin), 200)] {
            let answer = tour.ask(who, &next, reference.clone()).await;
            answer.expect(code);
        }
        let wrong = json!({ "reference": "" });
        tour.ask(Some(admin), &next, wrong).await.expect(422);
        let unknown = format!("POST /orders/{{id={product}}}/{step}");
        tour.ask(Some(admin), &unknown, Value::Null)
            .await
            .expect(404);
    }
    for step in ["pay", "ship", "cancel"] {
        let late = tour.ask(Some(admin), &call(step), Value::Null).await;
        late.expect(409);
    }
}
