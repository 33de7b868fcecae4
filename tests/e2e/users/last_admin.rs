//! There is always an administrator who can sign in.

use cleave::settings::Module;
use serde_json::{Value, json};

use crate::support::{Answer, Blocker, Customer, PASSWORD, TestShop};

async fn promoted(shop: &TestShop, admin: &Customer, name: &str) -> Customer {
    let somebody = shop.customer(name).await;
    change(shop, admin, &somebody, json!({ "role": "admin" }))
        .await
        .expect(200);
    let body = json!({ "email": somebody.email, "password": PASSWORD });
    let tokens = shop.post("/auth/login", &body).await.expect(200);
    Customer {
        token: tokens["access_token"].as_str().unwrap().to_owned(),
        ..somebody
    }
}

async fn change(shop: &TestShop, by: &Customer, of: &Customer, change: Value) -> Answer {
    shop.patch_as(by, &format!("/users/{}", of.id), &change)
        .await
}

async fn active_admins(shop: &TestShop) -> i64 {
    let mut db = shop.connect(Module::Users).await;
    sqlx::query_scalar("select count(*) from users where role = 'admin' and is_active")
        .fetch_one(&mut db)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    for away in [
        json!({ "is_active": false }),
        json!({ "role": "customer" }),
        json!({ "role": "customer", "is_active": false }),
    ] {
        let refused = change(&shop, &admin, &admin, away).await;
        refused.expect_problem(409, "last_admin");
    }
    let refused = shop.delete_as(&admin, "/users/me").await;
    refused.expect_problem(409, "last_admin");

    // One that cannot sign in does not count.
    let second = promoted(&shop, &admin, "second").await;
    let locked = change(&shop, &admin, &second, json!({ "is_active": false })).await;
    locked.expect(200);
    let refused = shop.delete_as(&admin, "/users/me").await;
    refused.expect_problem(409, "last_admin");
    let me = shop.get_as(&admin, "/auth/me").await.expect(200);
    assert_eq!(
        (&me["role"], &me["is_active"]),
        (&json!("admin"), &json!(true))
    );

    let unlocked = change(&shop, &admin, &second, json!({ "is_active": true })).await;
    unlocked.expect(200);
    let gone = shop.delete_as(&admin, "/users/me").await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(active_admins(&shop).await, 1);
    shop.close().await;
}

#[tokio::test]
async fn of_two_administrators_who_act_at_once_one_stays() {
    let shop = TestShop::open().await;
    let first = shop.admin().await;
    let second = promoted(&shop, &first, "second").await;
    let lock_out = json!({ "is_active": false });
    let demote = json!({ "role": "customer" });

    // Each locks out the other; both have begun before either ends.
    let rows = "select from users order by id for update";
    let mut blocker = Blocker::hold(shop.databases.of(Module::Users), rows).await;
    let attempts = async {
        tokio::join!(
            change(&shop, &first, &second, lock_out),
            change(&shop, &second, &first, demote),
        )
    };
    let letting_go = async {
        blocker.victims(2).await;
        blocker.release().await;
    };
    let ((one, other), ()) = tokio::join!(attempts, letting_go);
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", one.text, other.text);
    assert_eq!(active_admins(&shop).await, 1);
    shop.close().await;
}

#[tokio::test]
async fn of_two_administrators_who_leave_at_once_one_stays() {
    let shop = TestShop::open().await;
    let first = shop.admin().await;
    let second = promoted(&shop, &first, "second").await;
    let rows = "select from users order by id for update";
    let mut blocker = Blocker::hold(shop.databases.of(Module::Users), rows).await;
    let attempts = async {
        tokio::join!(
            shop.delete_as(&first, "/users/me"),
            shop.delete_as(&second, "/users/me"),
        )
    };
    let letting_go = async {
        blocker.victims(2).await;
        blocker.release().await;
    };
    let ((one, other), ()) = tokio::join!(attempts, letting_go);
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409], "{} {}", one.text, other.text);
    assert_eq!(active_admins(&shop).await, 1);
    shop.close().await;
}
