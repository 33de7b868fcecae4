//! Uploads that are no form, not theirs, or too late.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{NOTHING, send, show, upload, url};
use crate::support::TestShop;
use crate::support::pictures::{FORM, Part, form, form_of, png};

#[tokio::test]
async fn a_form_that_is_none_is_refused_naming_what_is_wrong() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let picture = png(3, 2);
    let good: Part<'_> = ("file", Some(("a.png", "image/png")), &picture);
    let long = "é".repeat(501);
    for (field, parts) in [
        ("file", vec![]),
        ("file", vec![("alt", None, &b"nothing"[..])]),
        ("file", vec![good, good]),
        ("file", vec![("file", Some(("a.png", "image/png")), b"")]),
        (
            "alt",
            vec![good, ("alt", None, b"one"), ("alt", None, b"two")],
        ),
        ("alt", vec![good, ("alt", None, long.as_bytes())]),
        ("alt", vec![good, ("alt", None, &[b'a'; 70_000])]),
        ("alt", vec![good, ("alt", None, b"\xff")]),
        ("alt", vec![good, ("alt", None, b"a\0b")]),
        ("position", vec![good, ("position", None, b"1")]),
        (
            "File",
            vec![("File", Some(("a.png", "image/png")), &picture)],
        ),
    ] {
        println!("{field} {}", parts.len());
        let answer = send(&shop, &admin, &product, form(&parts)).await;
        answer.expect_invalid(field);
    }
    let longest = "é".repeat(500);
    let body = form(&[good, ("alt", None, longest.as_bytes())]);
    let image = send(&shop, &admin, &product, body.clone())
        .await
        .expect(201);
    assert_eq!(image["alt"], longest);

    let path = format!("/api/v1/products/{product}/images");
    let with = async |kind: Option<&str>, body: &[u8]| {
        let request = shop.request(Method::POST, &path).bearer_auth(&admin.token);
        let request = match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        };
        shop.send(request.body(body.to_vec())).await
    };
    for end in [
        body.len() - 60,
        body.len() - 3000.min(body.len() / 2),
        200,
        100,
        30,
        0,
    ] {
        let answer = with(Some(FORM), &body[..end]).await;
        println!("{end}");
        answer.expect_problem(400, "malformed_multipart");
    }
    let (_, boundary) = FORM.split_once('=').unwrap();
    let headless = format!("--{boundary}\r\n\r\nx\r\n--{boundary}--\r\n");
    for (kind, body) in [
        (FORM, headless.as_bytes()),
        (FORM, &b"\xff\xfe no form at all"[..]),
        ("multipart/form-data", &body),
        ("multipart/form-data; boundary=", &body),
        ("multipart/form-data; boundary=another", &body),
    ] {
        println!("{kind}");
        with(Some(kind), body)
            .await
            .expect_problem(400, "malformed_multipart");
    }
    with(None, b"")
        .await
        .expect_problem(400, "malformed_multipart");
    for kind in [
        None,
        Some("application/json"),
        Some("image/png"),
        Some("multipart/mixed; boundary=a"),
    ] {
        with(kind, &picture)
            .await
            .expect_problem(415, "unsupported_media_type");
    }
    shop.close().await;
}

#[tokio::test]
async fn who_may_not_or_has_no_product_is_told() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let picture = png(3, 2);
    let image = upload(&shop, &admin, &product, &picture).await.expect(201);
    upload(&shop, &ada, &product, &picture)
        .await
        .expect_problem(403, "forbidden");
    upload(&shop, &ada, NOTHING, b"")
        .await
        .expect_problem(403, "forbidden");
    upload(&shop, &admin, NOTHING, &picture)
        .await
        .expect_problem(404, "not_found");
    upload(&shop, &admin, "none", &picture)
        .await
        .expect_problem(404, "not_found");
    let path = format!("/api/v1/products/{product}/images");
    let nobody = shop.request(Method::POST, &path).body(form(&[]));
    shop.send(nobody).await.expect_problem(401, "missing_token");

    let id = image["id"].as_str().unwrap();
    let other = shop.product(&admin, "LAMP", 100, 5).await;
    let gone = shop
        .delete_as(&ada, &format!("/products/{product}/images/{id}"))
        .await;
    gone.expect_problem(403, "forbidden");
    let gone = shop.request(Method::DELETE, &format!("{path}/{id}"));
    shop.send(gone).await.expect_problem(401, "missing_token");
    for path in [
        format!("/products/{other}/images/{id}"),
        format!("/products/{NOTHING}/images/{id}"),
        format!("/products/{product}/images/{NOTHING}"),
        format!("/products/{product}/images/none"),
    ] {
        shop.delete_as(&admin, &path)
            .await
            .expect_problem(404, "not_found");
    }
    assert_eq!(show(&shop, url(&image)).await.status, 200);
    shop.close().await;
}

#[tokio::test]
async fn a_picture_is_not_added_to_nor_taken_from_a_product_that_has_changed() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let id = shop.product(&admin, "SOFA", 100, 5).await;
    let path = format!("/products/{id}");
    let tag = async || shop.get(&path).await.header("etag").unwrap().to_owned();
    let add = async |tag: &str| {
        let request = shop.upload(&admin, &id, form_of(&png(4, 4)));
        shop.send(request.header("if-match", tag)).await
    };
    let take = async |image: &Value, tag: &str| {
        let image = image["id"].as_str().unwrap();
        let path = format!("/api/v1{path}/images/{image}");
        let request = shop.request(Method::DELETE, &path);
        let request = request.bearer_auth(&admin.token).header("if-match", tag);
        shop.send(request).await
    };

    let stale = tag().await;
    shop.put_as(&admin, &format!("{path}/stock"), &json!({ "on_hand": 6 }))
        .await
        .expect(200);
    let now = tag().await;
    add(&stale).await.expect_problem(412, "precondition_failed");
    assert_eq!(tag().await, now);
    let image = add(&now).await.expect(201);

    let changed = tag().await;
    assert_ne!(changed, now);
    let answer = take(&image, &now).await;
    answer.expect_problem(412, "precondition_failed");
    assert_eq!(tag().await, changed);
    take(&json!({ "id": NOTHING }), &now)
        .await
        .expect_problem(404, "not_found");
    take(&image, &changed).await.expect(204);
    take(&image, "*").await.expect_problem(404, "not_found");

    let now = tag().await;
    let both = join_all([add(&now), add(&now)]).await;
    let mut statuses: Vec<u16> = both.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 412]);
    shop.close().await;
}
