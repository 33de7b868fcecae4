use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Customer, PASSWORD, TestShop, Topology, within};

/// How soon the end of a session is known everywhere.
const PROMISED: Duration = Duration::from_secs(5);
const NEW: &str = "another horse battery";

async fn change(shop: &TestShop, who: &Customer, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    shop.put_as(who, "/users/me/password", &body).await
}

async fn sign_in(shop: &TestShop, who: &Customer, password: &str) -> Answer {
    let body = json!({ "email": who.email, "password": password });
    shop.post("/auth/login", &body).await
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let shop = TestShop::open().await;
    let bob = shop.customer("bob").await;
    let ada = shop.customer("ada").await;
    let tokens = sign_in(&shop, &ada, PASSWORD).await.expect(200);
    let phone = Customer {
        token: tokens["access_token"].as_str().unwrap().to_owned(),
        ..ada.clone()
    };
    shop.get_as(&phone, "/auth/me").await.expect(200);

    let answer = change(&shop, &ada, PASSWORD, NEW).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let refused = shop.post("/auth/refresh", &refresh).await;
    refused.expect_problem(401, "invalid_token");
    within(PROMISED, "the other session's token ends", async || {
        shop.get_as(&phone, "/orders").await.status == 401
            && shop.get_as(&phone, "/auth/me").await.status == 401
    })
    .await;
    // The one that it was changed in goes on, and so does everybody else's.
    let mine = shop.get_as(&ada, "/auth/sessions").await.expect(200);
    assert_eq!(mine["items"].as_array().unwrap().len(), 1);
    shop.get_as(&bob, "/auth/me").await.expect(200);
    let by_old = sign_in(&shop, &ada, PASSWORD).await;
    by_old.expect_problem(401, "invalid_credentials");
    sign_in(&shop, &ada, NEW).await.expect(200);
    sign_in(&shop, &bob, PASSWORD).await.expect(200);
    shop.close().await;
}

#[tokio::test]
async fn a_password_is_not_changed_without_the_one_before() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    for (current, new, field) in [
        ("a wrong password", NEW, "current_password"),
        ("", NEW, "current_password"),
        (PASSWORD, "too short", "new_password"),
        (PASSWORD, &"é".repeat(129), "new_password"),
    ] {
        let refused = change(&shop, &ada, current, new).await;
        refused.expect_invalid(field);
    }
    for (body, field) in [
        (json!({ "new_password": NEW }), "current_password"),
        (json!({ "current_password": PASSWORD }), "new_password"),
        (
            json!({ "current_password": null, "new_password": NEW }),
            "current_password",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": NEW, "x": 1 }),
            "x",
        ),
    ] {
        let refused = shop.put_as(&ada, "/users/me/password", &body).await;
        refused.expect_invalid(field);
    }
    sign_in(&shop, &ada, PASSWORD).await.expect(200);
    shop.close().await;
}

#[tokio::test]
async fn of_two_who_change_it_at_once_one_is_told_that_it_is_another() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let new = ["the first horse battery", "the second horse battery"];
    let answers = join_all(new.map(|new| change(&shop, &ada, PASSWORD, new))).await;
    let changed: Vec<_> = answers.iter().map(|answer| answer.status == 204).collect();
    assert_eq!(changed.iter().filter(|changed| **changed).count(), 1);
    for (answer, (changed, password)) in answers.into_iter().zip(changed.into_iter().zip(new)) {
        let by_it = sign_in(&shop, &ada, password).await;
        match changed {
            true => drop(by_it.expect(200)),
            false => {
                answer.expect_invalid("current_password");
                by_it.expect_problem(401, "invalid_credentials");
            }
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn guesses_at_the_current_password_are_counted() {
    let shop = TestShop::open_with(Topology::default(), &["limits.login_per_minute=3"]).await;
    let ada = shop.customer("ada").await;
    let mut refused = 0;
    for _ in 0..8 {
        let answer = change(&shop, &ada, "a wrong password", NEW).await;
        match answer.status.as_u16() {
            429 => {
                refused += 1;
                assert!(answer.header("retry-after").is_some());
                answer.expect_problem(429, "too_many_requests");
            }
            _ => answer.expect_invalid("current_password"),
        }
    }
    assert!(refused > 0);
    let mine: Value = shop.get_as(&ada, "/auth/me").await.expect(200);
    assert_eq!(mine["email"], ada.email);
    shop.close().await;
}
