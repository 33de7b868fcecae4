//! When a picture is sent again, and when it is not.

use reqwest::Method;

use super::{show, upload, url};
use crate::support::TestShop;
use crate::support::pictures::png;

#[tokio::test]
async fn what_is_known_is_not_sent_again_and_what_is_unknown_is_not_there() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let product = shop.product(&admin, "SOFA", 100, 5).await;
    let image = upload(&shop, &admin, &product, &png(900, 600))
        .await
        .expect(201);
    let small = format!("{}?size=small", url(&image));
    let (whole, scaled) = (show(&shop, url(&image)).await, show(&shop, &small).await);
    let (tag, other) = (whole.header("etag"), scaled.header("etag"));
    let asked = async |known: &str| {
        let request = shop.request(Method::GET, url(&image));
        shop.send(request.header("if-none-match", known)).await
    };
    for known in [
        tag.to_owned(),
        "*".to_owned(),
        format!("W/{tag}"),
        format!("\"a\", {tag}"),
    ] {
        let answer = asked(&known).await;
        assert_eq!(answer.status, 304, "{known}");
        assert_eq!(answer.text, "");
        assert_eq!(answer.header("etag"), Some(tag));
        assert!(
            answer
                .header("cache-control")
                .unwrap()
                .contains("immutable")
        );
    }
    for unknown in [other, "\"\"", "nonsense"] {
        assert_eq!(asked(unknown).await.status, 200, "{unknown}");
    }
    let head = shop
        .request(Method::HEAD, url(&image))
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-type"], "image/png");
    assert_eq!(
        head.headers()["content-length"],
        whole.bytes.len().to_string()
    );

    for key in [
        "0197f2f0a1b07c3e9d2b4c5d6e7f8091.png",
        "none",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "a.svg",
    ] {
        shop.get(&format!("/media/{key}"))
            .await
            .expect_problem(404, "not_found");
    }
    for size in ["large", "", "Small", "100"] {
        let path = url(&image).trim_start_matches("/api/v1");
        shop.get(&format!("{path}?size={size}"))
            .await
            .expect_invalid("size");
    }
    shop.close().await;
}
