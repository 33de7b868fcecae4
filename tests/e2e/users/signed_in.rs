//! Where somebody is signed in.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Customer, PASSWORD, TestShop, within};

/// How soon the end of a session is known everywhere.
const PROMISED: Duration = Duration::from_secs(5);

async fn sign_in(shop: &TestShop, who: &Customer, user_agent: &str) -> Value {
    let request = shop.request(Method::POST, "/api/v1/auth/login");
    let request = request
        .header("user-agent", user_agent)
        .json(&json!({ "email": who.email, "password": PASSWORD }));
    shop.send(request).await.expect(200)
}

fn holding(who: &Customer, tokens: &Value) -> Customer {
    Customer {
        token: tokens["access_token"].as_str().unwrap().to_owned(),
        ..who.clone()
    }
}

async fn sessions(shop: &TestShop, who: &Customer) -> Vec<Value> {
    let answer = shop.get_as(who, "/auth/sessions").await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let page = answer.expect(200);
    assert_eq!(page["next_cursor"], Value::Null);
    page["items"].as_array().unwrap().clone()
}

fn path(session: &Value) -> String {
    format!("/auth/sessions/{}", session["id"].as_str().unwrap())
}

#[tokio::test]
async fn everybody_sees_where_they_are_signed_in() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    shop.customer("bob").await;
    let long = format!("Mozilla/5.0 {}", "x".repeat(400));
    let tokens = sign_in(&shop, &ada, &long).await;
    let phone = holding(&ada, &tokens);
    let seen = sessions(&shop, &phone).await;
    assert_eq!(seen.len(), 2);
    let [latest, first] = &seen[..] else { panic!() };
    assert_eq!(
        (&latest["is_current"], &first["is_current"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(latest["user_agent"], long[..200]);
    assert_eq!(latest["ip_address"], "127.0.0.1");
    assert_eq!(first.get("user_agent"), None);
    for member in ["created_at", "last_used_at", "expires_at"] {
        assert!(latest[member].as_str().unwrap().ends_with('Z'), "{latest}");
    }
    let of_ada = sessions(&shop, &ada).await;
    assert_eq!(of_ada[1]["is_current"], true);
    assert_eq!(of_ada[0]["id"], latest["id"]);

    // A refresh is a use, from wherever it comes.
    let request = shop.request(Method::POST, "/api/v1/auth/refresh");
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    let request = request.header("user-agent", "curl/8.5.0").json(&body);
    let refreshed = shop.send(request).await.expect(200);
    let seen = sessions(&shop, &holding(&ada, &refreshed)).await;
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0]["id"], latest["id"]);
    assert_eq!(seen[0]["created_at"], latest["created_at"]);
    assert_eq!(seen[0]["user_agent"], "curl/8.5.0");
    for later in ["last_used_at", "expires_at"] {
        assert!(seen[0][later].as_str() > latest[later].as_str(), "{later}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_session_is_signed_out_from_another() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let bob = shop.customer("bob").await;
    let tokens = sign_in(&shop, &ada, "a lost phone").await;
    let phone = holding(&ada, &tokens);
    for path in ["/auth/me", "/orders", "/products"] {
        shop.get_as(&phone, path).await.expect(200);
    }
    let lost = sessions(&shop, &ada).await.remove(0);

    let unknown = json!({ "id": Uuid::now_v7() });
    for (who, session) in [
        (&bob, &lost),
        (&ada, &unknown),
        (&ada, &json!({ "id": "7" })),
    ] {
        let refused = shop.delete_as(who, &path(session)).await;
        refused.expect_problem(404, "not_found");
    }
    assert_eq!(sessions(&shop, &phone).await.len(), 2);

    let ended = shop.delete_as(&ada, &path(&lost)).await;
    assert_eq!((ended.status.as_u16(), ended.text.as_str()), (204, ""));
    let again = shop.delete_as(&ada, &path(&lost)).await;
    again.expect_problem(404, "not_found");
    assert_eq!(sessions(&shop, &ada).await.len(), 1);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refused = shop.post("/auth/refresh", &refresh).await;
    refused.expect_problem(401, "invalid_token");
    within(PROMISED, "the phone's access token ends", async || {
        let mut refused = 0;
        for path in ["/auth/me", "/orders", "/products"] {
            refused += usize::from(shop.get_as(&phone, path).await.status == 401);
        }
        refused == 3
    })
    .await;
    shop.get_as(&ada, "/auth/me").await.expect(200);
    shop.get("/auth/sessions")
        .await
        .expect_problem(401, "missing_token");
    shop.close().await;
}

#[tokio::test]
async fn a_list_of_sessions_has_pages() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    for _ in 0..2 {
        sign_in(&shop, &ada, "x").await;
    }
    let all = sessions(&shop, &ada).await;
    let mut seen = Vec::new();
    let mut next = "/auth/sessions?limit=1".to_owned();
    loop {
        let page = shop.get_as(&ada, &next).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("/auth/sessions?limit=1&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
    for (query, parameter) in [("limit=0", "limit"), ("cursor=%22", "cursor")] {
        let refused = shop.get_as(&ada, &format!("/auth/sessions?{query}")).await;
        refused.expect_invalid(parameter);
    }
    shop.close().await;
}
