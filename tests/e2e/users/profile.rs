use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestShop};

#[tokio::test]
async fn people_change_their_name_and_their_email() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let before = shop.get_as(&ada, "/auth/me").await.expect(200);
    for nothing in [
        json!({}),
        json!({ "full_name": "ada" }),
        json!({ "email": ada.email, "full_name": "ada" }),
    ] {
        let answer = shop.patch_as(&ada, "/users/me", &nothing).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.expect(200), before, "{nothing}");
    }
    let request = shop.request(Method::PATCH, "/api/v1/users/me");
    let request = request
        .bearer_auth(&ada.token)
        .header("content-type", "application/merge-patch+json")
        .body(json!({ "full_name": "Ada Lovelace" }).to_string());
    let named = shop.send(request).await.expect(200);
    assert_eq!(
        (&named["full_name"], &named["email"]),
        (&json!("Ada Lovelace"), &before["email"])
    );
    assert_ne!(named["updated_at"], before["updated_at"]);

    let email = json!({ "email": "Ada.Lovelace@Example.com" });
    let moved = shop.patch_as(&ada, "/users/me", &email).await.expect(200);
    assert_eq!(moved["email"], "Ada.Lovelace@Example.com");
    assert_eq!(moved, shop.get_as(&ada, "/auth/me").await.expect(200));
    // Another spelling of one's own is nobody else's.
    let email = json!({ "email": "ada.lovelace@example.com" });
    let spelt = shop.patch_as(&ada, "/users/me", &email).await.expect(200);
    assert_eq!(spelt["email"], "ada.lovelace@example.com");

    let login = |email: &str| json!({ "email": email, "password": PASSWORD });
    let by_new = shop
        .post("/auth/login", &login("ADA.lovelace@example.com"))
        .await;
    by_new.expect(200);
    let by_old = shop.post("/auth/login", &login(&ada.email)).await;
    by_old.expect_problem(401, "invalid_credentials");
    // The old address is free.
    shop.customer("ada").await;
    shop.close().await;
}

#[tokio::test]
async fn an_email_belongs_to_one_account() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let bob = shop.customer("bob").await;
    let taken = json!({ "email": "BOB@example.com", "full_name": "Bob" });
    let refused = shop.patch_as(&ada, "/users/me", &taken).await;
    refused.expect_problem(409, "email_taken");
    let me = shop.get_as(&ada, "/auth/me").await.expect(200);
    assert_eq!(
        (&me["email"], &me["full_name"]),
        (&json!(ada.email), &json!("ada"))
    );

    let wanted = json!({ "email": "wanted@example.com" });
    let both = [&ada, &bob].map(|who| shop.patch_as(who, "/users/me", &wanted));
    let mut statuses: Vec<_> = join_all(both)
        .await
        .iter()
        .map(|a| a.status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    shop.close().await;
}

#[tokio::test]
async fn what_is_no_change_of_a_profile_is_refused() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    for (field, wrong) in [
        ("full_name", Value::Null),
        ("full_name", json!(" ")),
        ("full_name", json!("é".repeat(201))),
        ("full_name", json!(7)),
        ("email", Value::Null),
        ("email", json!("ada")),
        ("email", json!("ada@example")),
        ("role", json!("admin")),
        ("is_active", json!(true)),
        ("password", json!(PASSWORD)),
    ] {
        let body = json!({ field: wrong });
        let refused = shop.patch_as(&ada, "/users/me", &body).await;
        refused.expect_invalid(field);
    }
    let request = shop.request(Method::PATCH, "/api/v1/users/me");
    let answer = shop.send(request.bearer_auth(&ada.token)).await;
    let nothing = shop.patch_as(&ada, "/users/me", &json!({})).await;
    assert_eq!(answer.expect(200), nothing.expect(200));
    let request = shop.request(Method::PATCH, "/api/v1/users/me");
    let answer = shop.send(request.json(&json!({}))).await;
    answer.expect_problem(401, "missing_token");
    let me = shop.get_as(&ada, "/auth/me").await.expect(200);
    assert_eq!(me["full_name"], "ada");
    shop.close().await;
}
