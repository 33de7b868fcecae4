//! How long a sign-in takes tells nothing of the account: the work is the same. It is counted here, for
//! a clock would tell more of the machine.

use serde_json::json;

use crate::support::{PASSWORD, TestShop};

#[tokio::test]
async fn every_refused_sign_in_is_one_look_at_a_password() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let locked = shop.customer("locked").await;
    let path = format!("/users/{}", locked.id);
    let lock = json!({ "is_active": false });
    shop.patch_as(&admin, &path, &lock).await.expect(200);
    let deleted = shop.customer("deleted").await;
    assert_eq!(shop.delete_as(&deleted, "/users/me").await.status, 204);
    let remains = format!("deleted-{}@deleted.invalid", deleted.id);
    let long = "x".repeat(10_000);
    for (email, password) in [
        ("admin@example.com", "a wrong password"),
        ("admin@example.com", ""),
        ("admin@example.com", &long),
        ("nobody@example.com", PASSWORD),
        ("no email", PASSWORD),
        ("", PASSWORD),
        (&long, PASSWORD),
        (&locked.email, PASSWORD),
        (&locked.email, "a wrong password"),
        (&deleted.email, PASSWORD),
        (&remains, PASSWORD),
    ] {
        let before = shop.passwords_hashed();
        let body = json!({ "email": email, "password": password });
        let refused = shop.post("/auth/login", &body).await;
        let problem = refused.expect_problem(401, "invalid_credentials");
        let case = email.get(..20).unwrap_or(email);
        assert_eq!(
            problem["detail"], "The email or the password is wrong.",
            "{case}"
        );
        assert_eq!(shop.passwords_hashed() - before, 1, "{case}");
    }
    let before = shop.passwords_hashed();
    let body = json!({ "email": admin.email, "password": PASSWORD });
    shop.post("/auth/login", &body).await.expect(200);
    assert_eq!(shop.passwords_hashed() - before, 1);
    shop.close().await;
}
