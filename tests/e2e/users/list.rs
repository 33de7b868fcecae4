use reqwest::Url;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Customer, PASSWORD, TestShop};

async fn register(shop: &TestShop, email: &str, full_name: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD, "full_name": full_name });
    let user = shop.post("/auth/register", &body).await.expect(201);
    user["id"].as_str().unwrap().to_owned()
}

async fn find(shop: &TestShop, admin: &Customer, query: &[(&str, &str)]) -> Value {
    let path = Url::parse_with_params("http://shop/users", query).unwrap();
    let query = path.query().unwrap_or_default();
    let answer = shop.get_as(admin, &format!("/users?{query}")).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.expect(200)
}

fn emails(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|user| user["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_administrator_finds_people_by_parts_of_their_words() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    register(&shop, "Elodie.Muller@example.com", "Élodie Müller").await;
    register(&shop, "zoe_99%@example.org", "Zoë O'Neil").await;
    register(&shop, "li@example.com", "李小龙").await;
    for (q, found) in [
        ("muller", &["Elodie.Muller@example.com"][..]),
        ("MÜLL", &["Elodie.Muller@example.com"]),
        ("die mu", &["Elodie.Muller@example.com"]),
        ("E\u{301}lo", &["Elodie.Muller@example.com"]),
        ("éLODIE.m", &["Elodie.Muller@example.com"]),
        ("o'n", &["zoe_99%@example.org"]),
        ("9%", &["zoe_99%@example.org"]),
        ("e_9", &["zoe_99%@example.org"]),
        ("zo", &["zoe_99%@example.org"]),
        ("小", &["li@example.com"]),
        ("李小龙", &["li@example.com"]),
        ("i@ex", &["li@example.com"]),
        ("%%%", &[]),
        ("___", &[]),
        ("mullerr", &[]),
        ("' or true --", &[]),
        ("\\", &[]),
        (
            "example.",
            &[
                "li@example.com",
                "zoe_99%@example.org",
                "Elodie.Muller@example.com",
                "admin@example.com",
            ],
        ),
        (
            " ",
            &[
                "li@example.com",
                "zoe_99%@example.org",
                "Elodie.Muller@example.com",
                "admin@example.com",
            ],
        ),
    ] {
        let page = find(&shop, &admin, &[("q", q)]).await;
        assert_eq!(emails(&page), found, "{q}");
    }
    let whole = find(&shop, &admin, &[("q", "li@example.com")]).await;
    let id = whole["items"][0]["id"].as_str().unwrap();
    let user = shop.get_as(&admin, &format!("/users/{id}")).await;
    assert_eq!(whole["items"][0], user.expect(200));

    // What is changed is found as it is now.
    let ada = shop.customer("ada").await;
    let body = json!({ "full_name": "Augusta King", "email": "countess@example.com" });
    shop.patch_as(&ada, "/users/me", &body).await.expect(200);
    assert_eq!(emails(&find(&shop, &admin, &[("q", "ada")]).await), [""; 0]);
    let page = find(&shop, &admin, &[("q", "augusta")]).await;
    assert_eq!(emails(&page), ["countess@example.com"]);
    let gone = shop.delete_as(&ada, "/users/me").await;
    assert_eq!(gone.status, 204);
    for q in ["augusta", "countess", "deleted"] {
        assert_eq!(emails(&find(&shop, &admin, &[("q", q)]).await), [""; 0]);
    }
    shop.close().await;
}

#[tokio::test]
async fn a_list_of_accounts_is_filtered_and_has_pages() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let mut ids = vec![admin.id.clone()];
    for name in ["ada", "bob", "cy", "dan"] {
        ids.push(register(&shop, &format!("{name}@example.com"), name).await);
    }
    let lock = json!({ "is_active": false });
    let bob = format!("/users/{}", ids[2]);
    shop.patch_as(&admin, &bob, &lock).await.expect(200);

    let by = async |query: &[(&str, &str)]| {
        let page = find(&shop, &admin, query).await;
        let items = page["items"].as_array().unwrap().clone();
        let found = items
            .into_iter()
            .map(|user| user["id"].as_str().unwrap().to_owned());
        let found: Vec<usize> = found
            .map(|id| ids.iter().position(|of| *of == id).unwrap())
            .collect();
        found
    };
    assert_eq!(by(&[]).await, [4, 3, 2, 1, 0]);
    assert_eq!(by(&[("role", "admin")]).await, [0]);
    assert_eq!(
        by(&[("role", "customer"), ("is_active", "true")]).await,
        [4, 3, 1]
    );
    assert_eq!(by(&[("is_active", "false")]).await, [2]);
    assert_eq!(by(&[("is_active", "false"), ("q", "ada")]).await, [0; 0]);

    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", "2"), ("q", "example")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = find(&shop, &admin, &query).await;
        // Whoever comes meanwhile is newer than all that follow.
        register(&shop, &format!("{}@example.com", Uuid::now_v7()), "x").await;
        let items = page["items"].as_array().unwrap();
        seen.extend(
            items
                .iter()
                .map(|user| user["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    ids.reverse();
    assert_eq!(seen, ids);
    shop.close().await;
}

#[tokio::test]
async fn a_list_of_accounts_is_for_administrators() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    shop.get("/users")
        .await
        .expect_problem(401, "missing_token");
    let refused = shop.get_as(&ada, "/users?q=a").await;
    refused.expect_problem(403, "forbidden");
    let long = format!("q={}", "x".repeat(201));
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=IngiCg", "cursor"),
        ("role=owner", "role"),
        ("is_active=1", "is_active"),
        ("q=%00", "q"),
        (&long, "q"),
    ] {
        let refused = shop.get_as(&admin, &format!("/users?{query}")).await;
        refused.expect_invalid(parameter);
    }
    shop.close().await;
}
