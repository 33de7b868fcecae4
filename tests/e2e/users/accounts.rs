use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestShop;

#[tokio::test]
async fn an_administrator_sees_and_changes_an_account() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let path = format!("/users/{}", ada.id);
    let answer = shop.get_as(&admin, &path).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let before = answer.expect(200);
    let me = shop.get_as(&ada, "/auth/me").await.expect(200);
    assert_eq!(before, me);

    // What changes nothing leaves no trace.
    for nothing in [
        json!({}),
        json!({ "role": "customer" }),
        json!({ "role": "customer", "is_active": true }),
    ] {
        let same = shop.patch_as(&admin, &path, &nothing).await.expect(200);
        assert_eq!(same, before, "{nothing}");
    }
    for (media_type, role) in [
        ("application/merge-patch+json", "admin"),
        ("application/json", "customer"),
    ] {
        let request = shop.request(Method::PATCH, &format!("/api/v1{path}"));
        let request = request
            .bearer_auth(&admin.token)
            .header("content-type", media_type)
            .body(json!({ "role": role }).to_string());
        let changed = shop.send(request).await.expect(200);
        assert_eq!(changed["role"], role);
        assert_eq!(changed["is_active"], true);
        assert_ne!(changed["updated_at"], before["updated_at"]);
        assert_eq!(changed, shop.get_as(&admin, &path).await.expect(200));
    }
    shop.close().await;
}

#[tokio::test]
async fn what_is_no_change_of_an_account_is_refused() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let path = format!("/users/{}", ada.id);
    for (body, field) in [
        (json!({ "role": null }), "role"),
        (json!({ "is_active": null }), "is_active"),
        (json!({ "is_active": 0 }), "is_active"),
        (json!({ "role": "owner" }), "role"),
        (json!({ "full_name": "Ada" }), "full_name"),
        (json!({ "is_active": false, "id": ada.id }), "id"),
        (json!([]), "body"),
    ] {
        let refused = shop.patch_as(&admin, &path, &body).await;
        refused.expect_invalid(field);
    }
    let unknown = Uuid::now_v7().to_string();
    for id in [unknown.as_str(), "you", "7"] {
        let path = format!("/users/{id}");
        let read = shop.get_as(&admin, &path).await;
        read.expect_problem(404, "not_found");
        let changed = shop.patch_as(&admin, &path, &json!({})).await;
        changed.expect_problem(404, "not_found");
    }
    let read = shop.get_as(&ada, &path).await;
    read.expect_problem(403, "forbidden");
    let body = json!({ "role": "admin" });
    let changed = shop.patch_as(&ada, &path, &body).await;
    changed.expect_problem(403, "forbidden");
    shop.get(&path).await.expect_problem(401, "missing_token");
    let account = shop.get_as(&admin, &path).await.expect(200);
    assert_eq!(account["role"], "customer");
    assert_eq!(account["is_active"], Value::Bool(true));
    shop.close().await;
}
