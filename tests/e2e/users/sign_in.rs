use std::time::{Duration, Instant};

use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestShop, Topology};

async fn login(shop: &TestShop, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    shop.post("/auth/login", &body).await
}

async fn form(shop: &TestShop, text: &str) -> Answer {
    let request = shop
        .request(Method::POST, "/api/v1/auth/login")
        .header("content-type", "application/x-www-form-urlencoded");
    shop.send(request.body(text.to_owned())).await
}

fn assert_tokens(answer: Answer) {
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.expect(200);
    assert_eq!(tokens["token_type"], "bearer");
    assert_eq!(tokens["expires_in"], 1_800);
    assert!(tokens["access_token"].as_str().unwrap().len() > 100);
    assert!(tokens["refresh_token"].as_str().unwrap().len() >= 32);
    assert_eq!(tokens.as_object().unwrap().len(), 4);
}

#[tokio::test]
async fn one_signs_in_by_json_or_by_form_in_any_case() {
    let shop = TestShop::open().await;
    shop.customer("ada").await;
    assert_tokens(login(&shop, "ada@example.com", PASSWORD).await);
    assert_tokens(login(&shop, "ADA@Example.COM", PASSWORD).await);
    let password = PASSWORD.replace(' ', "+");
    assert_tokens(
        form(
            &shop,
            &format!("username=ada%40example.com&password={password}"),
        )
        .await,
    );
    assert_tokens(
        form(
            &shop,
            &format!("grant_type=password&username=ada@example.com&password={password}&scope=&client_id=x"),
        )
        .await,
    );
    for (text, field) in [
        ("username=ada@example.com", "password"),
        ("password=x", "username"),
        ("username=a&password=b&grant_type=implicit", "grant_type"),
        ("username=a&username=b&password=c", "username"),
        ("username=a&password=b&role=admin", "role"),
    ] {
        form(&shop, text).await.expect_invalid(field);
    }
    shop.close().await;
}

/// What a refusal says, without what differs between any two answers.
fn refusal(answer: Answer) -> (Option<String>, Value) {
    let challenge = answer.header("www-authenticate").map(str::to_owned);
    let mut problem = answer.expect_problem(401, "invalid_credentials");
    problem["request_id"].take();
    (challenge, problem)
}

#[tokio::test]
async fn an_unknown_email_and_a_wrong_password_are_answered_alike() {
    let shop = TestShop::open().await;
    shop.customer("ada").await;
    let wrong = refusal(login(&shop, "ada@example.com", "a wrong password").await);
    for (email, password) in [
        ("bob@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        ("ada@example.com", ""),
        ("ada@example.com", &PASSWORD.to_uppercase()),
        ("ada@example.com", &format!("{PASSWORD} ")),
        ("ada@example.com", &"x".repeat(100_000)),
    ] {
        assert_eq!(refusal(login(&shop, email, password).await), wrong);
    }
    // The quickest of a few shows the work that is done; an account must not be told by it.
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for _ in 0..10 {
        for (email, least) in [
            ("ada@example.com", &mut known),
            ("bob@example.com", &mut unknown),
        ] {
            let start = Instant::now();
            login(&shop, email, "a wrong password").await;
            *least = start.elapsed().min(*least);
        }
    }
    let ratio = unknown.as_secs_f64() / known.as_secs_f64();
    assert!((0.3..3.0).contains(&ratio), "{known:?} against {unknown:?}");
    shop.close().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_for_one_account_and_not_for_others() {
    let set = ["limits.login_per_minute=3"];
    let shop = TestShop::open_with(Topology::default(), &set).await;
    let mut allowed = 0;
    let refused = loop {
        let spelling = ["ada@example.com", "ADA@example.com"][allowed % 2];
        let answer = login(&shop, spelling, "guess").await;
        if answer.status == 429 {
            break answer;
        }
        answer.expect_problem(401, "invalid_credentials");
        allowed += 1;
    };
    // Each process counts for itself.
    let most = 3 * Topology::default().hosts(Module::Users);
    assert!((3..=most).contains(&allowed), "{allowed}");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    refused.expect_problem(429, "too_many_requests");
    let other = login(&shop, "bob@example.com", "guess").await;
    other.expect_problem(401, "invalid_credentials");
    shop.close().await;
}

#[tokio::test]
async fn no_answer_shows_a_password_or_its_hash() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let again = json!({ "email": ada.email, "password": PASSWORD, "full_name": "A" });
    let short = json!({ "email": ada.email, "password": "hunter2", "full_name": "" });
    let odd = json!({ "email": ada.email, "password": ["hunter2"], "full_name": "A" });
    let answers = [
        shop.post("/auth/register", &again).await,
        shop.post("/auth/register", &short).await,
        shop.post("/auth/register", &odd).await,
        login(&shop, &ada.email, PASSWORD).await,
        login(&shop, &ada.email, "hunter2").await,
        form(&shop, "username=a&password=hunter2&x=1").await,
        shop.get_as(&ada, "/auth/me").await,
        shop.get_as(&admin, "/auth/me").await,
    ];
    for answer in answers {
        for secret in [PASSWORD, "hunter2", "argon2", "password_hash", "email_key"] {
            assert!(!answer.text.contains(secret), "{secret}: {}", answer.text);
        }
    }
    shop.close().await;
}
