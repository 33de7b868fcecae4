//! Entity tags and conditional requests (RFC 9110).

use cleave::settings::Module;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Blocker, Customer, TestShop};

async fn ask(
    shop: &TestShop,
    who: Option<&Customer>,
    (method, path): (Method, &str),
    header: (&str, &str),
    body: Option<&Value>,
) -> Answer {
    let mut request = shop.request(method, &format!("/api/v1{path}"));
    if let Some(who) = who {
        request = request.bearer_auth(&who.token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    shop.send(request.header(header.0, header.1)).await
}

async fn read(shop: &TestShop, path: &str, known: &str) -> Answer {
    let header = ("if-none-match", known);
    ask(shop, None, (Method::GET, path), header, None).await
}

async fn tag(shop: &TestShop, path: &str) -> String {
    let answer = shop.get(path).await;
    let tag = answer.header("etag").unwrap().to_owned();
    assert!(
        tag.starts_with('"') && tag.ends_with('"'),
        "{tag} is strong"
    );
    answer.expect(200);
    tag
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let id = shop.product(&admin, "SOFA", 100, 5).await;
    let by_id = format!("/products/{id}");
    for path in [&*by_id, "/products/by-sku/SOFA", "/products", "/categories"] {
        let tag = tag(&shop, path).await;
        for known in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"other\", {tag}"),
            "*".to_owned(),
        ] {
            let answer = read(&shop, path, &known).await;
            assert_eq!(answer.header("etag"), Some(&*tag), "{path} {known}");
            assert_eq!(answer.header("cache-control"), Some("no-cache"));
            assert_eq!(answer.header("content-type"), None);
            assert_eq!(answer.text, "");
            answer.expect(304);
        }
        for known in ["\"other\"", "W/\"other\"", tag.trim_matches('"'), "\"", ""] {
            read(&shop, path, known).await.expect(200);
        }
    }
    assert_eq!(
        tag(&shop, &by_id).await,
        tag(&shop, "/products/by-sku/SOFA").await
    );
    shop.close().await;
}

#[tokio::test]
async fn a_tag_changes_exactly_with_the_product() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let id = shop.product(&admin, "SOFA", 100, 5).await;
    let other = shop.product(&admin, "OTHER", 100, 5).await;
    let path = format!("/products/{id}");
    let mut before = tag(&shop, &path).await;
    assert_eq!(tag(&shop, &path).await, before);

    let stock = format!("{path}/stock");
    shop.put_as(&admin, &stock, &json!({ "on_hand": 5 }))
        .await
        .expect(200);
    shop.patch_as(&admin, &path, &json!({})).await.expect(200);
    shop.place_order(&admin, &[(&other, 1)]).await.expect(201);
    assert_eq!(tag(&shop, &path).await, before);

    for change in 0..4 {
        let answered = match change {
            0 => shop.put_as(&admin, &stock, &json!({ "on_hand": 6 })).await,
            1 => {
                shop.patch_as(&admin, &path, &json!({ "name": "Settee" }))
                    .await
            }
            2 => {
                shop.patch_as(&admin, &path, &json!({ "name": "Sofa" }))
                    .await
            }
            _ => shop.place_order(&admin, &[(&id, 1)]).await,
        };
        let answered_tag = answered.header("etag").map(str::to_owned);
        assert!(answered.status.is_success(), "{}", answered.text);
        let answer = read(&shop, &path, &before).await;
        let after = answer.header("etag").unwrap().to_owned();
        answer.expect(200);
        assert_ne!(after, before);
        if change < 3 {
            assert_eq!(answered_tag.as_deref(), Some(&*after));
        }
        before = after;
    }
    shop.close().await;
}

#[tokio::test]
async fn a_stale_write_is_412() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let id = shop.product(&admin, "SOFA", 100, 5).await;
    let path = format!("/products/{id}");
    let body = json!({ "sku": "SOFA", "name": "A", "price": { "amount": 1, "currency": "EUR" } });
    let stock = format!("{path}/stock");
    let adjust = format!("{path}/stock/adjustments");
    let stale = tag(&shop, &path).await;
    shop.put_as(&admin, &stock, &json!({ "on_hand": 6 }))
        .await
        .expect(200);
    let writes = [
        (Method::PUT, &path, Some(body)),
        (Method::PATCH, &path, Some(json!({ "name": "B" }))),
        (Method::PUT, &stock, Some(json!({ "on_hand": 7 }))),
        (
            Method::POST,
            &adjust,
            Some(json!({ "delta": 1, "reason": "found" })),
        ),
        (Method::DELETE, &path, None),
    ];
    let nothing = "0198c5a0-0000-7000-8000-000000000000";
    for (method, path_of, body) in &writes {
        let now = tag(&shop, &path).await;
        let to = || (method.clone(), path_of.as_str());
        let (weak, bare) = (format!("W/{now}"), now.trim_matches('"'));
        for refused in [
            &*stale,
            &*weak,
            "\"none\"",
            bare,
            "",
            "\"none",
            "*, \"none\"",
        ] {
            let header = ("if-match", refused);
            let answer = ask(&shop, Some(&admin), to(), header, body.as_ref()).await;
            answer.expect_problem(412, "precondition_failed");
        }
        assert_eq!(tag(&shop, &path).await, now);
        let unknown = path_of.replace(&id, nothing);
        let unknown = (method.clone(), &*unknown);
        let answer = ask(
            &shop,
            Some(&admin),
            unknown,
            ("if-match", "*"),
            body.as_ref(),
        )
        .await;
        answer.expect_problem(404, "not_found");

        let header = ("if-match", &*format!("{stale}, {now}"));
        let answer = ask(&shop, Some(&admin), to(), header, body.as_ref()).await;
        assert!(
            answer.status.is_success(),
            "{method} {path_of}: {}",
            answer.text
        );
    }
    let back = json!({ "is_active": true });
    let any = ("if-match", "*");
    let back = ask(
        &shop,
        Some(&admin),
        (Method::PATCH, &path),
        any,
        Some(&back),
    )
    .await;
    assert_eq!(back.expect(200)["stock"]["on_hand"], 8);
    shop.close().await;
}

#[tokio::test]
async fn of_writers_with_one_tag_one_wins() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let id = shop.product(&admin, "SOFA", 100, 5).await;
    let path = format!("/products/{id}");
    let stock = format!("{path}/stock");
    for _ in 0..3 {
        let tag = tag(&shop, &path).await;
        let database = shop.databases.of(Module::Products);
        let lock = format!("select from products where id = '{id}' for update");
        let mut blocker = Blocker::hold(database, &lock).await;
        let names = [json!({ "name": tag }), json!({ "name": "B" })];
        let level = json!({ "on_hand": tag.len() });
        let level = [json!({ "on_hand": 1000 }), level];
        let patches = names.iter().map(|body| ((Method::PATCH, &*path), body));
        let counts = level.iter().map(|body| ((Method::PUT, &*stock), body));
        let all = patches.chain(counts).map(|(to, body)| {
            let header = ("if-match", &*tag);
            ask(&shop, Some(&admin), to, header, Some(body))
        });
        let (answers, ()) = futures_util::join!(join_all(all), async {
            blocker.victims(4).await;
            blocker.release().await;
        });
        let mut won: Vec<_> = answers
            .iter()
            .map(|answer| answer.status.as_u16())
            .collect();
        won.sort_unstable();
        assert_eq!(won, [200, 412, 412, 412]);
        // Back to where no write is without effect.
        let before = json!({ "name": "Sofa" });
        shop.patch_as(&admin, &path, &before).await.expect(200);
        let before = json!({ "on_hand": 5 });
        shop.put_as(&admin, &stock, &before).await.expect(200);
    }
    shop.close().await;
}

#[tokio::test]
async fn each_coding_has_a_tag_and_each_tag_is_good() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let id = shop.product(&admin, "SOFA", 100, 5).await;
    let path = format!("/api/v1/products/{id}");
    let mut tags = Vec::new();
    for coding in ["identity", "gzip", "br"] {
        let request = || {
            shop.request(Method::GET, &path)
                .header("accept-encoding", coding)
        };
        let answer = request().send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap());
        assert_eq!(header("content-encoding").unwrap_or("identity"), coding);
        let vary = header("vary").unwrap().to_lowercase();
        assert_eq!(vary.matches("accept-encoding").count(), 1, "{vary}");
        let tag = header("etag").unwrap().to_owned();
        let again = shop.send(request().header("if-none-match", &tag)).await;
        assert_eq!(again.header("etag"), Some(&*tag));
        again.expect(304);
        let write = shop
            .request(Method::PATCH, &path)
            .json(&json!({ "name": coding }));
        let write = write.bearer_auth(&admin.token).header("if-match", &tag);
        shop.send(write).await.expect(200);
        tags.push(tag);
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "{tags:?}");
    shop.close().await;
}
