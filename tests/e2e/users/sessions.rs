use std::time::Duration;

use cleave::settings::Module;
use serde_json::{Value, json};

use crate::support::{Answer, Customer, PASSWORD, TestShop, within};

/// How soon the end of a session is known everywhere.
const PROMISED: Duration = Duration::from_secs(5);

async fn sign_in(shop: &TestShop, who: &Customer) -> Value {
    let body = json!({ "email": who.email, "password": PASSWORD });
    shop.post("/auth/login", &body).await.expect(200)
}

async fn refresh(shop: &TestShop, tokens: &Value) -> Answer {
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    shop.post("/auth/refresh", &body).await
}

/// The same person with the access token of this pair.
fn holding(who: &Customer, tokens: &Value) -> Customer {
    Customer {
        token: tokens["access_token"].as_str().unwrap().to_owned(),
        ..who.clone()
    }
}

async fn is_locked_out_everywhere(shop: &TestShop, who: &Customer) -> bool {
    for path in ["/auth/me", "/orders", "/products"] {
        let answer = shop.get_as(who, path).await;
        if answer.status == 200 {
            return false;
        }
        answer.expect_problem(401, "invalid_token");
    }
    true
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let first = sign_in(&shop, &ada).await;
    let answer = refresh(&shop, &first).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let second = answer.expect(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let holder = holding(&ada, &second);
    shop.get_as(&holder, "/auth/me").await.expect(200);
    let third = refresh(&shop, &second).await.expect(200);

    // Whoever presents a spent one may have stolen it: the whole family ends, and no other.
    let replay = refresh(&shop, &first).await;
    assert_eq!(
        replay.header("www-authenticate"),
        Some(r#"Bearer error="invalid_token""#)
    );
    replay.expect_problem(401, "invalid_token");
    let latest = refresh(&shop, &third).await;
    latest.expect_problem(401, "invalid_token");
    let holder = holding(&ada, &third);
    within(PROMISED, "the family's access tokens end", async || {
        is_locked_out_everywhere(&shop, &holder).await
    })
    .await;
    shop.get_as(&ada, "/auth/me").await.expect(200);
    shop.close().await;
}

/// As when the account is being deleted, and the deletion then fails.
#[tokio::test]
async fn who_is_the_victim_of_a_deadlock_is_signed_in_still() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let tokens = sign_in(&shop, &ada).await;
    let mut users = shop.connect(Module::Users).await;
    sqlx::raw_sql(
        "create sequence tries;
         create function deadlock() returns trigger language plpgsql as $$ begin
           if nextval('tries') = 1 then raise sqlstate '40P01'; end if;
           return new;
         end $$;
         create trigger deadlock before update on refresh_tokens
           for each row execute function deadlock();",
    )
    .execute(&mut users)
    .await
    .unwrap();
    refresh(&shop, &tokens).await.expect(200);
    shop.close().await;
}

/// One of them is first, and to the others its token is a spent one: the family ends, as whenever two
/// have one token.
#[tokio::test]
async fn of_many_who_spend_one_token_at_once_one_succeeds_and_the_family_ends() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let tokens = sign_in(&shop, &ada).await;
    let all = (0..8).map(|_| refresh(&shop, &tokens));
    let answers = futures_util::future::join_all(all).await;
    let (first, others): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(first.len(), 1);
    for answer in others {
        answer.expect_problem(401, "invalid_token");
    }
    for first in first {
        let next = refresh(&shop, &first.expect(200)).await;
        next.expect_problem(401, "invalid_token");
    }
    shop.get_as(&ada, "/auth/me").await.expect(200);
    shop.close().await;
}

#[tokio::test]
async fn what_is_no_refresh_token_of_ours_is_401() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let tokens = sign_in(&shop, &ada).await;
    let genuine = tokens["refresh_token"].as_str().unwrap();
    for token in [
        String::new(),
        "nonsense".to_owned(),
        format!("{genuine}x"),
        genuine.to_lowercase(),
        tokens["access_token"].as_str().unwrap().to_owned(),
        "x".repeat(100_000),
    ] {
        refresh(&shop, &json!({ "refresh_token": token }))
            .await
            .expect_problem(401, "invalid_token");
    }
    refresh(&shop, &tokens).await.expect(200);
    shop.close().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_everywhere_within_seconds() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let tokens = sign_in(&shop, &ada).await;
    let holder = holding(&ada, &tokens);
    // Each route has seen the token, and may remember it.
    for path in ["/auth/me", "/orders", "/products"] {
        shop.get_as(&holder, path).await.expect(200);
    }
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    for _ in 0..2 {
        let answer = shop.post("/auth/logout", &body).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    }
    refresh(&shop, &tokens)
        .await
        .expect_problem(401, "invalid_token");
    within(PROMISED, "the access token ends", async || {
        is_locked_out_everywhere(&shop, &holder).await
    })
    .await;
    // The other session goes on.
    shop.get_as(&ada, "/auth/me").await.expect(200);
    let unknown = json!({ "refresh_token": "nobody's" });
    let answer = shop.post("/auth/logout", &unknown).await;
    assert_eq!(answer.status, 204);
    shop.close().await;
}
