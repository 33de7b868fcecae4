//! The private listener: whom it knows, and what it believes of whom.

use std::net::SocketAddr;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::auth::{Role, Tokens};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::client::{ask, get, post, with};
use crate::cluster::TestDatabases;
use crate::front::{Front, SECRET, service_token};
use crate::message::Message;

const HANDSHAKE: &str = "/internal/handshake";

/// Signed with the shared secret, and wrong in one thing.
fn token(secret: &str, issuer: &str, audience: &str, expires_in_s: i64) -> String {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let claims = json!({ "iss": issuer, "aud": audience, "iat": now, "exp": now + expires_in_s });
    let key = EncodingKey::from_secret(secret.as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key);
    format!("Bearer {}", token.unwrap())
}

fn access_token(secret: &str) -> String {
    let tokens = Tokens::hs256(&secret.into(), Duration::from_secs(60));
    let issued = tokens.issue(Uuid::now_v7(), Role::Admin, Uuid::now_v7());
    format!("Bearer {}", issued.unwrap().token)
}

#[tokio::test]
async fn only_a_peer_reaches_what_is_internal() {
    let shop = Front::whole(&TestDatabases::create().await, &[]).await;
    let good = service_token();
    let bare = good.trim_start_matches("Bearer ");
    let (head, signature) = bare.rsplit_once('.').unwrap();
    let payload = head.split('.').nth(1).unwrap();
    let wrong = [
        String::new(),
        "Bearer".to_owned(),
        bare.to_owned(),
        format!("Basic {bare}"),
        format!("Bearer {head}."),
        format!("Bearer {head}.{}", signature.to_uppercase()),
        // {"alg":"none","typ":"JWT"}
        format!("Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}."),
        access_token(SECRET),
        token(SECRET, "cleave", "cleave:peer", -60),
        token(SECRET, "cleave", "cleave:shop", 60),
        token(SECRET, "somebody", "cleave:peer", 60),
        token(
            "another-secret-that-is-long-enough-01234567",
            "cleave",
            "cleave:peer",
            60,
        ),
    ];
    for path in [
        HANDSHAKE,
        "/internal/products/v1/snapshot",
        "/internal/users/v1/account",
        "/internal/nothing",
        "/internal/",
    ] {
        let absent = ask(shop.private_address, get(path)).await;
        absent.expect_problem(401, "invalid_token");
        assert_eq!(absent.head.all("www-authenticate"), ["Bearer"]);
        for wrong in &wrong {
            let lines = format!("authorization: {wrong}\r\n");
            let refused = ask(shop.private_address, with(path, &lines)).await;
            refused.expect_problem(401, "invalid_token");
            // Where it vouches for a client, it does not open this door.
            let lines = format!("x-cleave-service: {good}\r\nauthorization: {wrong}\r\n");
            let refused = ask(shop.private_address, with(path, &lines)).await;
            refused.expect_problem(401, "invalid_token");
        }
    }
    for good in [good, token(SECRET, "cleave", "cleave:peer", 60)] {
        let lines = format!("authorization: {good}\r\n");
        let known = ask(shop.private_address, with(HANDSHAKE, &lines)).await;
        assert_eq!(known.head.status(), 200);
        assert!(known.json()["modules"]["products"].is_object());
        let refused = ask(shop.private_address, with("/ops/topology", &lines)).await;
        refused.expect_problem(401, "invalid_token");
    }
    shop.close().await;
}

/// However the path is written: a door that is missed leads nowhere.
#[tokio::test]
async fn no_spelling_leads_past_the_door() {
    let shop = Front::whole(&TestDatabases::create().await, &[]).await;
    for path in [
        "/%69nternal/handshake",
        "/internal%2fhandshake",
        "//internal/handshake",
        "/./internal/handshake",
        "/x/../internal/handshake",
        "/internal\\handshake",
        "/INTERNAL/handshake",
        "/api/v1/../../internal/handshake",
        "/api/v1/products/../../../internal/handshake",
        "/api/v1/products/%2e%2e/%2e%2e/%2e%2e/ops/topology",
        "/api/v1/products/..%2f..%2f..%2fmetrics",
        "/%6f%70s/topology/",
    ] {
        let answer = ask(shop.private_address, get(path)).await;
        let status = answer.head.status();
        assert!(
            [401, 404].contains(&status),
            "{path}: {status} {}",
            answer.text()
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn clients_find_none_of_it() {
    let shop = Front::whole(&TestDatabases::create().await, &[]).await;
    let token = service_token();
    for path in [
        HANDSHAKE,
        "/internal",
        "/internal/",
        "/internal/products/v1/snapshot",
        "/ops",
        "/ops/topology",
        "/metrics",
        "/console",
    ] {
        for method in ["GET", "POST", "PUT"] {
            let lines = format!("authorization: {token}\r\nx-cleave-service: {token}\r\n");
            let bytes = with(path, &lines).replacen("GET", method, 1);
            ask(shop.address, bytes)
                .await
                .expect_problem(404, "unknown_route");
        }
    }
    shop.close().await;
}

/// A sign-in that names where it comes from.
async fn sign_in(address: SocketAddr, client: &str, lines: &str) -> Message {
    let body = json!({ "email": "ada@example.com", "password": "correct horse" }).to_string();
    let lines = format!("x-forwarded-for: {client}\r\n{lines}");
    let bytes = post("/api/v1/auth/login", &body).replacen("\r\n", &format!("\r\n{lines}"), 1);
    ask(address, bytes).await
}

#[tokio::test]
async fn only_a_peer_says_where_a_client_comes_from() {
    let databases = TestDatabases::create().await;
    let shop = Front::whole(&databases, &["limits.login_per_minute=2"]).await;
    let vouched = format!("x-cleave-service: {}\r\n", service_token());
    let expired = token(SECRET, "cleave", "cleave:peer", -60);
    for (number, lines) in ["", "x-cleave-service: Bearer x\r\n"]
        .into_iter()
        .enumerate()
    {
        for attempt in 0..4 {
            let client = format!("192.0.{number}.{attempt}");
            let answer = sign_in(shop.private_address, &client, lines);
            let limited = number > 0 || attempt >= 2;
            assert_eq!(answer.await.head.status(), if limited { 429 } else { 401 });
        }
    }
    for lines in [
        format!("x-cleave-service: {expired}\r\n"),
        format!("authorization: {}\r\n", service_token()),
    ] {
        let answer = sign_in(shop.private_address, "192.0.9.1", &lines).await;
        assert_eq!(answer.head.status(), 429);
        // Nor do clients become peers by showing a token at the public door.
        let answer = sign_in(shop.address, "192.0.9.2", &vouched).await;
        assert_eq!(answer.head.status(), 429);
    }
    for attempt in 0..4 {
        let answer = sign_in(
            shop.private_address,
            &format!("192.0.7.{attempt}"),
            &vouched,
        )
        .await;
        assert_eq!(answer.head.status(), 401);
    }
    shop.close().await;
}

#[tokio::test]
async fn only_a_peer_says_how_much_time_is_left() {
    let shop = Front::whole(&TestDatabases::create().await, &[]).await;
    let client = "192.0.2.1";
    let nothing_left = "x-cleave-deadline-ms: 0\r\n";
    for address in [shop.private_address, shop.address] {
        let stranger = sign_in(address, client, nothing_left).await;
        stranger.expect_problem(401, "invalid_credentials");
    }
    let vouched = format!("{nothing_left}x-cleave-service: {}\r\n", service_token());
    let public = sign_in(shop.address, client, &vouched).await;
    public.expect_problem(401, "invalid_credentials");
    let peer = sign_in(shop.private_address, client, &vouched).await;
    peer.expect_problem(503, "deadline_exceeded");
    let nonsense = vouched.replace(": 0", ": -1");
    let peer = sign_in(shop.private_address, client, &nonsense).await;
    peer.expect_problem(401, "invalid_credentials");
    shop.close().await;
}

/// Counted where it came in, and not again.
#[tokio::test]
async fn what_a_peer_sends_on_is_not_limited_again() {
    let databases = TestDatabases::create().await;
    let shop = Front::whole(&databases, &["limits.requests_per_second=2"]).await;
    let vouched = format!("x-cleave-service: {}\r\n", service_token());
    let (mut strangers, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        let answer = ask(shop.private_address, get("/api/v1/products")).await;
        strangers.push(answer.head.status());
        let answer = ask(shop.private_address, with("/api/v1/products", &vouched)).await;
        peers.push(answer.head.status());
    }
    assert!(strangers.contains(&429), "{strangers:?}");
    assert_eq!(peers, [200; 12]);
    shop.close().await;
}

#[tokio::test]
async fn what_is_for_everybody_is_not_there() {
    let shop = Front::whole(&TestDatabases::create().await, &[]).await;
    for path in ["/.well-known/jwks.json", "/api/v1/openapi.json", "/docs/"] {
        let answer = ask(shop.private_address, get(path)).await;
        answer.expect_problem(404, "unknown_route");
    }
    shop.close().await;
}
