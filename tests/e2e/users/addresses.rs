use cleave::settings::Module;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Customer, TestShop, address};

const BOOK: &str = "/users/me/addresses";

fn in_full() -> Value {
    let mut address = address();
    for (field, text) in [
        ("line2", "c/o Meyer"),
        ("region", "Berlin"),
        ("phone", "+49 30 901820"),
    ] {
        address[field] = text.into();
    }
    address
}

fn path(address: &Value) -> String {
    format!("{BOOK}/{}", address["id"].as_str().unwrap())
}

async fn add(shop: &TestShop, who: &Customer, address: &Value) -> Value {
    shop.post_as(who, BOOK, address).await.expect(201)
}

async fn book(shop: &TestShop, who: &Customer) -> Vec<Value> {
    let list = format!("{BOOK}?limit=100");
    let page = shop.get_as(who, &list).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// The id of the one default address.
async fn default(shop: &TestShop, who: &Customer) -> Value {
    let book = book(shop, who).await;
    let defaults: Vec<_> = book.iter().filter(|of| of["is_default"] == true).collect();
    assert_eq!(defaults.len(), 1, "{book:#?}");
    defaults[0]["id"].clone()
}

#[tokio::test]
async fn an_address_is_added_read_replaced_and_deleted() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let answer = shop.post_as(&ada, BOOK, &in_full()).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let location = answer.header("location").unwrap().to_owned();
    let home = answer.expect(201);
    assert_eq!(location, format!("/api/v1{}", path(&home)));
    let mut expected = in_full();
    expected["id"] = home["id"].clone();
    expected["is_default"] = true.into();
    assert_eq!(home, expected);
    let read = shop.get_as(&ada, &path(&home)).await;
    assert_eq!(read.header("cache-control"), Some("no-store"));
    assert_eq!(read.expect(200), home);

    // What is left out is gone, and blank is as good as absent.
    let mut moved = address();
    moved["city"] = "Potsdam".into();
    moved["line2"] = " ".into();
    moved["region"] = Value::Null;
    let replaced = shop.put_as(&ada, &path(&home), &moved).await.expect(200);
    let mut expected = address();
    expected["city"] = "Potsdam".into();
    expected["id"] = home["id"].clone();
    expected["is_default"] = true.into();
    assert_eq!(replaced, expected);
    let read = shop.get_as(&ada, &path(&home)).await;
    assert_eq!(read.expect(200), expected);

    let gone = shop.delete_as(&ada, &path(&home)).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    for call in [Method::GET, Method::DELETE] {
        let request = shop.request(call, &format!("/api/v1{}", path(&home)));
        let answer = shop.send(request.bearer_auth(&ada.token)).await;
        answer.expect_problem(404, "not_found");
    }
    assert_eq!(book(&shop, &ada).await, [Value::Null; 0]);
    shop.close().await;
}

#[tokio::test]
async fn one_address_is_the_default() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let bob = shop.customer("bob").await;
    let first = add(&shop, &ada, &address()).await;
    let second = add(&shop, &ada, &address()).await;
    let of_bob = add(&shop, &bob, &address()).await;
    assert_eq!(second["is_default"], false);
    assert_eq!(default(&shop, &ada).await, first["id"]);

    let mut wanted = address();
    wanted["is_default"] = true.into();
    let third = add(&shop, &ada, &wanted).await;
    assert_eq!(third["is_default"], true);
    assert_eq!(default(&shop, &ada).await, third["id"]);
    let made = shop.put_as(&ada, &path(&second), &wanted).await.expect(200);
    assert_eq!(made["is_default"], true);
    assert_eq!(default(&shop, &ada).await, second["id"]);
    // It stays the default until another takes its place.
    wanted["is_default"] = false.into();
    let kept = shop.put_as(&ada, &path(&second), &wanted).await.expect(200);
    assert_eq!(kept["is_default"], true);
    assert_eq!(default(&shop, &ada).await, second["id"]);

    let gone = shop.delete_as(&ada, &path(&second)).await;
    assert_eq!(gone.status, 204);
    assert_eq!(default(&shop, &ada).await, third["id"]);
    let gone = shop.delete_as(&ada, &path(&first)).await;
    assert_eq!(gone.status, 204);
    assert_eq!(default(&shop, &ada).await, third["id"]);
    let gone = shop.delete_as(&ada, &path(&third)).await;
    assert_eq!(gone.status, 204);
    let next = add(&shop, &ada, &address()).await;
    assert_eq!(next["is_default"], true);
    assert_eq!(default(&shop, &bob).await, of_bob["id"]);
    shop.close().await;
}

#[tokio::test]
async fn one_address_is_the_default_whatever_happens_at_once() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let mut wanted = address();
    wanted["is_default"] = true.into();
    let added = join_all((0..8).map(|_| add(&shop, &ada, &wanted))).await;
    default(&shop, &ada).await;
    let changes = added.iter().enumerate().map(async |(number, address)| {
        let status = match number % 2 {
            0 => shop.delete_as(&ada, &path(address)).await.status,
            _ => shop.put_as(&ada, &path(address), &wanted).await.status,
        };
        assert!(status.is_success(), "{status}");
    });
    join_all(changes).await;
    default(&shop, &ada).await;
    assert_eq!(book(&shop, &ada).await.len(), 4);
    shop.close().await;
}

#[tokio::test]
async fn somebody_elses_address_does_not_exist() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let bob = shop.customer("bob").await;
    let home = add(&shop, &ada, &address()).await;
    let unknown = json!({ "id": Uuid::now_v7() });
    let malformed = json!({ "id": "7" });
    for (who, address) in [
        (&bob, &home),
        (&admin, &home),
        (&ada, &unknown),
        (&ada, &malformed),
    ] {
        let path = path(address);
        let read = shop.get_as(who, &path).await;
        read.expect_problem(404, "not_found");
        let replaced = shop.put_as(who, &path, &crate::support::address()).await;
        replaced.expect_problem(404, "not_found");
        let deleted = shop.delete_as(who, &path).await;
        deleted.expect_problem(404, "not_found");
    }
    assert_eq!(book(&shop, &bob).await, [Value::Null; 0]);
    assert_eq!(book(&shop, &ada).await, [home]);
    shop.get(BOOK).await.expect_problem(401, "missing_token");
    shop.close().await;
}

#[tokio::test]
async fn what_is_no_address_is_refused_by_name() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let home = add(&shop, &ada, &address()).await;
    let long = |count: usize| json!("é".repeat(count));
    for (field, wrong) in [
        ("name", json!("")),
        ("name", json!(" \u{a0}")),
        ("name", long(201)),
        ("name", Value::Null),
        ("line1", json!("\t")),
        ("line1", long(201)),
        ("line2", long(201)),
        ("line2", json!(7)),
        ("city", json!("")),
        ("city", long(201)),
        ("region", long(201)),
        ("postal_code", json!("")),
        ("postal_code", long(21)),
        ("postal_code", json!(10117)),
        ("country", json!("")),
        ("country", json!("de")),
        ("country", json!("DEU")),
        ("country", json!("XX")),
        ("country", json!("UK")),
        ("phone", long(41)),
        ("is_default", Value::Null),
        ("is_default", json!("yes")),
        ("id", home["id"].clone()),
        ("company", json!("Meyer & Co")),
    ] {
        let mut body = address();
        body[field] = wrong;
        shop.post_as(&ada, BOOK, &body).await.expect_invalid(field);
        let replaced = shop.put_as(&ada, &path(&home), &body).await;
        replaced.expect_invalid(field);
    }
    for field in ["name", "line1", "city", "postal_code", "country"] {
        let mut body = address();
        body.as_object_mut().unwrap().remove(field);
        shop.post_as(&ada, BOOK, &body).await.expect_invalid(field);
    }
    let mut longest = in_full();
    for field in ["name", "line1", "line2", "city", "region"] {
        longest[field] = long(200);
    }
    longest["postal_code"] = long(20);
    longest["phone"] = long(40);
    add(&shop, &ada, &longest).await;
    assert_eq!(book(&shop, &ada).await.len(), 2);
    shop.close().await;
}

#[tokio::test]
async fn a_book_has_pages_and_a_last_one() {
    let shop = TestShop::open().await;
    let ada = shop.customer("ada").await;
    let mut users = shop.connect(Module::Users).await;
    sqlx::query(
        "insert into addresses (user_id, id, name, line1, city, postal_code, country)
         select $1, gen_random_uuid(), 'Ada', 'Street 1', 'London', 'SW1A 1AA', 'GB'
         from generate_series(1, 98)",
    )
    .bind(ada.id.parse::<Uuid>().unwrap())
    .execute(&mut users)
    .await
    .unwrap();
    // Two places are left.
    let one_more = address();
    let tries = (0..5).map(|_| shop.post_as(&ada, BOOK, &one_more));
    let mut added = 0;
    for answer in join_all(tries).await {
        match answer.status.as_u16() {
            201 => added += 1,
            _ => drop(answer.expect_problem(409, "too_many_addresses")),
        }
    }
    assert_eq!(added, 2);

    let mut seen: Vec<Value> = Vec::new();
    let mut next = format!("{BOOK}?limit=33");
    loop {
        let page = shop.get_as(&ada, &next).await.expect(200);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|of| of["id"].clone()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{BOOK}?limit=33&cursor={cursor}"),
            None => break,
        }
    }
    let all = book(&shop, &ada).await;
    assert_eq!(
        seen,
        all.iter().map(|of| of["id"].clone()).collect::<Vec<_>>()
    );
    assert_eq!(seen.len(), 100);
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=Inh4Ig", "cursor"),
        ("page=2", "page"),
    ] {
        let refused = shop.get_as(&ada, &format!("{BOOK}?{query}")).await;
        if parameter == "page" {
            // Strangers among the parameters are not looked at, as in the other lists.
            refused.expect(200);
        } else {
            refused.expect_invalid(parameter);
        }
    }
    shop.close().await;
}
