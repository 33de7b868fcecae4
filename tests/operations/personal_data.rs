//! `cleave personal-data`: whether anything of a person is left.

use std::process::Output;

use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::process::{on, run, said};
use crate::support::{
    Customer, PASSWORD, TestDatabases, TestShop, command, eventually, free_address, roomy_folder,
};

const EMAIL: &str = "Lo.Schmidt@example.com";
const WORDS: &str = "Élodie.Schmidt@example.com";
const NAME: &str = r#"Élodie "Lo" Schmidt"#;

async fn look(databases: &TestDatabases, arguments: &[&str]) -> Output {
    let folder = roomy_folder();
    let arguments = [&["personal-data"], arguments].concat();
    let command = command(folder.path(), free_address(), &arguments);
    run(on(databases, command)).await
}

/// Exit code, and places as `table.column rows`.
async fn places(databases: &TestDatabases, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let output = look(databases, &[arguments, &["--json"]].concat()).await;
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let place = |found: &Value| {
        let text = |member: &str| found[member].as_str().unwrap().to_owned();
        format!("{}.{} {}", text("table"), text("column"), found["rows"])
    };
    let found = report["found"].as_array().unwrap().iter().map(place);
    (output.status.code(), found.collect())
}

async fn register(shop: &TestShop) -> Customer {
    let body = json!({ "email": EMAIL, "password": PASSWORD, "full_name": NAME });
    let user = shop.post("/auth/register", &body).await.expect(201);
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let tokens = shop.post("/auth/login", &body).await.expect(200);
    Customer {
        id: user["id"].as_str().unwrap().to_owned(),
        email: EMAIL.to_owned(),
        token: tokens["access_token"].as_str().unwrap().to_owned(),
    }
}

/// An address and a sign-in from a browser that tells whose it is; two orders: one with that address,
/// a note and a key, one that was cancelled with a reason.
async fn leave_traces(shop: &TestShop, who: &Customer, product: &str) {
    let home = json!({
        "name": NAME, "line1": "Rue de l'Élodie 7", "line2": "chez Schmidt@example.com",
        "city": "Paris", "postal_code": "75001", "country": "FR", "phone": "+33 1 42 92 81 00",
    });
    let added = shop.post_as(who, "/users/me/addresses", &home).await;
    let home = added.expect(201);
    let request = shop.request(Method::POST, "/api/v1/auth/login");
    let request = request
        .header("user-agent", format!("mailto:{EMAIL}"))
        .json(&json!({ "email": EMAIL, "password": PASSWORD }));
    shop.send(request).await.expect(200);
    let items = json!([{ "product_id": product, "quantity": 1 }]);
    let request = shop.request(Method::POST, "/api/v1/orders");
    let request = request
        .bearer_auth(&who.token)
        .header("Idempotency-Key", "order of SCHMIDT@EXAMPLE.COM")
        .json(&json!({
            "items": items,
            "shipping_address_id": home["id"],
            "note": format!("mail {}", EMAIL.to_lowercase()),
        }));
    shop.send(request).await.expect(201);
    let order = shop.place_order(who, &[(product, 1)]).await.expect(201);
    let cancel = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    let reason = json!({ "reason": format!("{} is moving", NAME.to_uppercase()) });
    shop.post_as(who, &cancel, &reason).await.expect(200);
}

#[tokio::test]
async fn every_place_is_found_before_a_deletion_and_none_after() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 10).await;
    let elodie = register(&shop).await;
    leave_traces(&shop, &elodie, &lamp).await;
    let all = ["--email", EMAIL, "--text", "schmidt@example.com"];
    let everywhere = [
        "addresses.name 1",
        "addresses.line1 1",
        "addresses.line2 1",
        "addresses.phone 1",
        "sessions.user_agent 1",
        "users.email 1",
        "users.email_key 1",
        "users.full_name 1",
        "users.words 1",
        "order_history.reason 1",
        "orders.note 1",
        "orders.idempotency_key 1",
        "orders.shipping_address 1",
    ];
    let (code, found) = places(&shop.databases, &all).await;
    assert_eq!(
        (code, found),
        (Some(1), everywhere.map(str::to_owned).to_vec())
    );
    // An account's id leads to its words.
    let (_, found) = places(&shop.databases, &["--user", &elodie.id]).await;
    let by_words = everywhere.iter().filter(|place| !place.contains("key 1"));
    assert!(
        by_words
            .clone()
            .all(|place| found.contains(&(*place).to_owned())),
        "{found:?}"
    );
    let told = said(&look(&shop.databases, &all).await).to_lowercase();
    for secret in ["lodie", "schmidt", "is moving"] {
        assert!(!told.contains(secret), "{told}");
    }

    let gone = shop.delete_as(&elodie, "/users/me").await;
    assert_eq!(gone.status, 204);
    eventually("nothing is left", async || {
        places(&shop.databases, &all).await == (Some(0), vec![])
    })
    .await;
    let by_name = ["--text", NAME, "--text", "Schmidt", "--user", &elodie.id];
    assert_eq!(places(&shop.databases, &by_name).await, (Some(0), vec![]));
    let told = said(&look(&shop.databases, &all).await);
    assert!(told.contains("an account's id is not looked for"), "{told}");
    let wordless = look(&shop.databases, &["--user", &elodie.id]).await;
    assert_eq!(wordless.status.code(), Some(1), "{}", said(&wordless));
    assert!(said(&wordless).contains("give --email or --text"));
    shop.close().await;
}

#[tokio::test]
async fn tables_and_types_that_nobody_foresaw_are_looked_at() {
    let databases = TestDatabases::create().await;
    let mut products = databases.connect(Module::Products).await;
    // Written here.
    let table = format!(
        r#"create domain word as varchar(100);
           create schema "Later";
           create table "Later"."Of $1 things" (
             id uuid default gen_random_uuid(), number int default 7,
             "A text" text, word word, json jsonb, list text[], bytes bytea, address inet);
           insert into "Later"."Of $1 things" ("A text", word, json, list, bytes)
           values ('{WORDS}', '{WORDS}', jsonb_build_object('{NAME}', '{WORDS}'),
                   array['{NAME}'], convert_to('{WORDS}', 'UTF8')),
                  (null, null, null, null, '\xff00')"#
    );
    sqlx::raw_sql(AssertSqlSafe(table))
        .execute(&mut products)
        .await
        .unwrap();
    for (words, columns) in [
        (WORDS, "A text,word,json,bytes"),
        (NAME, "json,list"),
        ("ÉLODIE.SCHMIDT@", "A text,word,json,bytes"),
        ("lodie_schmidt", ""),
        (".*", ""),
    ] {
        let (_, found) = places(&databases, &["--text", words]).await;
        let columns = columns.split(',').filter(|column| !column.is_empty());
        let expected: Vec<_> = columns.map(|c| format!("Of $1 things.{c} 1")).collect();
        assert_eq!(found, expected, "{words}");
    }
}

#[tokio::test]
async fn a_module_elsewhere_is_looked_at_where_its_database_is_known() {
    let databases = TestDatabases::create().await;
    let remote = [
        "--text",
        "nobody's words",
        "--set",
        "modules.users.mode=remote",
        "--set",
        "modules.users.url=http://127.0.0.1:1",
    ];
    let known = look(&databases, &remote).await;
    assert_eq!(known.status.code(), Some(0), "{}", said(&known));

    let folder = roomy_folder();
    let arguments = [&["personal-data"], &remote[..]].concat();
    let command = command(folder.path(), free_address(), &arguments);
    let mut command = on(&databases, command);
    command.env_remove("CLEAVE__MODULES__USERS__DATABASE_URL");
    let unknown = run(command).await;
    assert_eq!(unknown.status.code(), Some(1), "{}", said(&unknown));
    let told = said(&unknown);
    assert!(told.contains("users: NOT looked at"), "{told}");
    assert!(told.contains("modules.users.database_url"), "{told}");
    let nothing = look(&databases, &[]).await;
    assert_eq!(nothing.status.code(), Some(2), "{}", said(&nothing));
}
