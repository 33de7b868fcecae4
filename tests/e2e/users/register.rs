use serde_json::{Value, json};

use crate::support::{PASSWORD, TestShop};

fn registration(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "full_name": "Ada Lovelace" })
}

#[tokio::test]
async fn a_new_account_is_shown_as_it_was_written() {
    let shop = TestShop::open().await;
    let made = shop
        .post("/auth/register", &registration("Ada.L@Example.com"))
        .await;
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let user = made.expect(201);
    let names: Vec<&String> = user.as_object().unwrap().keys().collect();
    let expected = [
        "created_at",
        "email",
        "full_name",
        "id",
        "is_active",
        "role",
        "updated_at",
    ];
    assert_eq!(names, expected);
    assert_eq!(user["email"], "Ada.L@Example.com");
    assert_eq!(user["full_name"], "Ada Lovelace");
    assert_eq!(user["role"], "customer");
    assert_eq!(user["is_active"], true);
    assert!(user["created_at"].as_str().unwrap().ends_with('Z'));
    let id: uuid::Uuid = user["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    shop.close().await;
}

#[tokio::test]
async fn an_email_has_one_account_however_it_is_written() {
    let shop = TestShop::open().await;
    let taken = registration("anna@müller.example");
    shop.post("/auth/register", &taken).await.expect(201);
    for spelling in [
        "anna@müller.example",
        "ANNA@MÜLLER.EXAMPLE",
        "Anna@xn--mller-kva.example",
    ] {
        shop.post("/auth/register", &registration(spelling))
            .await
            .expect_problem(409, "email_taken");
    }
    let other = registration("anna+other@müller.example");
    shop.post("/auth/register", &other).await.expect(201);
    shop.close().await;
}

#[tokio::test]
async fn of_many_who_want_one_email_at_once_one_gets_it() {
    let shop = TestShop::open().await;
    let body = registration("ada@example.com");
    let all = (0..8).map(|_| shop.post("/auth/register", &body));
    let answers = futures_util::future::join_all(all).await;
    let mut made = 0;
    for answer in answers {
        match answer.status.as_u16() {
            201 => made += 1,
            _ => drop(answer.expect_problem(409, "email_taken")),
        }
    }
    assert_eq!(made, 1);
    shop.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_registration_is_named() {
    let shop = TestShop::open().await;
    for email in [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@@example.com",
        "ada lovelace@example.com",
        " ada@example.com",
        "ada@example.com ",
        "ada@exa_mple.com\n",
        "ada@[127.0.0.1]",
        "ada..l@example.com",
    ] {
        println!("{email:?}");
        shop.post("/auth/register", &registration(email))
            .await
            .expect_invalid("email");
    }
    let with = |field: &str, value: &str| {
        let mut body = registration("ada@example.com");
        body[field] = value.into();
        body
    };
    for (field, value) in [
        ("password", String::new()),
        ("password", "é".repeat(11)),
        ("password", "x".repeat(129)),
        ("full_name", String::new()),
        ("full_name", " \t\u{a0}".to_owned()),
        ("full_name", "x".repeat(201)),
    ] {
        println!("{field} {value:?}");
        shop.post("/auth/register", &with(field, &value))
            .await
            .expect_invalid(field);
    }
    let all = json!({ "email": "a", "password": "b", "full_name": "" });
    let problem = shop.post("/auth/register", &all).await;
    let problem = problem.expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
    shop.close().await;
}
