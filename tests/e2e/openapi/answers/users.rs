//! Of people and their accounts.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::tour::Tour;
use crate::support::{Customer, PASSWORD, address};

pub async fn users(tour: &mut Tour, ada: &Customer) {
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
pub async fn own(tour: &mut Tour, ada: &Customer) {
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

pub async fn accounts(tour: &mut Tour, admin: &Customer, ada: &Customer) {
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
