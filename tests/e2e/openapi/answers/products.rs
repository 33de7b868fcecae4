//! Of the catalogue.

use serde_json::{Value, json};

use super::super::tour::Tour;
use crate::support::Customer;
use crate::support::pictures::{form_of, png};

pub async fn products(tour: &mut Tour, admin: &Customer, ada: &Customer) -> String {
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
