//! Who is let in, and what the others are told.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::auth::{Role, Tokens};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{AUTH_SECRET, Answer, TestShop, Topology};

const SECRET: &str = "a-secret-of-the-tests-that-is-long-enough-0123456789";

async fn with(shop: &TestShop, path: &str, authorization: &str) -> Answer {
    let request = shop.request(Method::GET, &format!("/api/v1{path}"));
    shop.send(request.header("authorization", authorization))
        .await
}

/// A token for nobody in particular.
fn token(secret: &str, lifetime: Duration) -> String {
    let tokens = Tokens::hs256(&secret.into(), lifetime);
    let (user, session) = (Uuid::now_v7(), Uuid::now_v7());
    tokens.issue(user, Role::Admin, session).unwrap().token
}

#[tokio::test]
async fn without_a_valid_token_it_is_401_with_a_challenge() {
    let set = [format!("auth.secret={SECRET}")];
    let shop = TestShop::open_with(Topology::default(), &[&set[0]]).await;
    let ada = shop.customer("ada").await;

    let absent = shop.get("/orders").await;
    assert_eq!(absent.header("www-authenticate"), Some("Bearer"));
    absent.expect_problem(401, "missing_token");

    let minute = Duration::from_secs(60);
    let (head, signature) = ada.token.rsplit_once('.').unwrap();
    let parts: Vec<&str> = ada.token.split('.').collect();
    for refused in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer nonsense".to_owned(),
        "Bearer a.b.c".to_owned(),
        "Basic YTpi".to_owned(),
        ada.token.clone(),
        format!("Token {}", ada.token),
        format!("Bearer {head}."),
        format!("Bearer {head}.{}", signature.to_uppercase()),
        format!("Bearer {}.{}", parts[0], parts[1]),
        // {"alg":"none","typ":"JWT"}
        format!("Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]),
        format!("Bearer {} {}", ada.token, ada.token),
        format!("Bearer {}", token("another-secret", minute)),
        // Signed by us, for a session that is not there.
        format!("Bearer {}", token(SECRET, minute)),
        format!("Bearer {}", token(SECRET, Duration::ZERO)),
    ] {
        for path in ["/auth/me", "/orders", "/products"] {
            let answer = with(&shop, path, &refused).await;
            let challenge = answer.header("www-authenticate");
            assert_eq!(
                challenge,
                Some(r#"Bearer error="invalid_token""#),
                "{path} {refused}"
            );
            answer.expect_problem(401, "invalid_token");
        }
    }
    for accepted in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let answer = with(&shop, "/auth/me", &format!("{accepted} {}", ada.token)).await;
        assert_eq!(answer.status, 200, "{accepted}");
    }
    shop.close().await;
}

#[tokio::test]
async fn who_may_not_is_told_before_what_is_wrong_with_the_request() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let nothing = "/products/0198c5a0-0000-7000-8000-000000000000";
    for (method, path) in [
        (Method::POST, "/products".to_owned()),
        (Method::PUT, format!("{nothing}/stock")),
        (Method::POST, format!("{nothing}/stock/adjustments")),
    ] {
        let request = || shop.request(method.clone(), &format!("/api/v1{path}"));
        let nobody = shop.send(request().body("{")).await;
        nobody.expect_problem(401, "missing_token");
        let customer = request().bearer_auth(&ada.token);
        let customer = shop.send(customer.body("{")).await;
        customer.expect_problem(403, "forbidden");
    }
    let unknown = shop.request(Method::GET, "/api/v1/orders?limit=0");
    let unknown = unknown.bearer_auth("nonsense");
    let unknown = shop.send(unknown).await;
    unknown.expect_problem(401, "invalid_token");
    shop.close().await;
}

fn signed(header: &Header, claims: &Value, secret: &[u8]) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

/// What a token says, for who has it.
fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// Of a session that is there and signed as ours are, so that nothing else is wrong with it.
#[tokio::test]
async fn each_claim_of_a_token_counts() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let bob = shop.customer("bob").await;
    let hs256 = Header::new(Algorithm::HS256);
    let right = claims(&ada.token);
    let now = right["iat"].as_i64().unwrap();
    let status = async |header: &Header, claims: &Value| {
        let token = signed(header, claims, AUTH_SECRET.as_bytes());
        let answer = with(&shop, "/auth/me", &format!("Bearer {token}")).await;
        if answer.status != 200 {
            answer.expect_problem(401, "invalid_token");
            return 401;
        }
        200
    };
    assert_eq!(status(&hs256, &right).await, 200);
    for (name, wrong) in [
        ("aud", json!("cleave:peer")),
        ("aud", json!("another")),
        ("aud", json!(["cleave:shop", "another"])),
        ("iss", json!("another")),
        ("exp", json!(now - 1)),
        ("iat", json!(now + 3600)),
        ("nbf", json!(now + 3600)),
        ("sub", json!("'; drop table users; --")),
        ("sub", json!(Uuid::now_v7())),
        ("sid", json!("mine")),
        ("sid", json!(Uuid::now_v7())),
        ("sid", claims(&bob.token)["sid"].clone()),
        ("role", json!("owner")),
    ] {
        let mut claims = right.clone();
        claims[name] = wrong;
        assert_eq!(status(&hs256, &claims).await, 401, "{claims}");
    }
    for name in ["aud", "iss", "exp", "iat", "sub", "sid", "role"] {
        let mut claims = right.clone();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(status(&hs256, &claims).await, 401, "{claims}");
    }
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        assert_eq!(status(&Header::new(algorithm), &right).await, 401);
    }
    // The role that counts is the account's.
    let mut promoted = right.clone();
    promoted["role"] = json!("admin");
    let promoted = signed(&hs256, &promoted, AUTH_SECRET.as_bytes());
    let answer = with(&shop, "/users", &format!("Bearer {promoted}")).await;
    answer.expect_problem(403, "forbidden");
    shop.close().await;
}
