//! The documentation that the program carries.

use reqwest::Method;

use crate::support::{Answer, TestShop};

async fn page(shop: &TestShop, path: &str) -> Answer {
    let request = shop.request(Method::GET, path);
    shop.send(request.header("accept-encoding", "identity"))
        .await
}

/// What the page loads: the values of its `src` and `href` attributes.
fn references(html: &str) -> Vec<&str> {
    let starts = ["src=\"", "href=\""];
    let found = starts.iter().flat_map(|start| html.split(start).skip(1));
    found.filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn the_documentation_needs_nothing_from_elsewhere() {
    let shop = TestShop::open().await;
    let html = page(&shop, "/docs/").await;
    assert_eq!(html.status, 200);
    assert!(
        html.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    let references = references(&html.text);
    assert!(references.len() >= 4, "{references:?}");
    for reference in references {
        let name = reference.trim_start_matches("./");
        assert!(!name.contains(':') && !name.starts_with('/'), "{reference}");
        let asset = page(&shop, &format!("/docs/{name}")).await;
        assert_eq!(asset.status, 200, "{reference}");
        let foreign = ["url(http", "url(//", "@import", "sourceMappingURL=http"];
        for foreign in foreign {
            assert!(!asset.text.contains(foreign), "{reference}: {foreign}");
        }
    }
    let script = page(&shop, "/docs/swagger-initializer.js").await.text;
    assert!(script.contains("\"/api/v1/openapi.json\""), "{script}");
    assert!(!script.contains("http"), "{script}");
    assert_eq!(
        page(&shop, "/api/v1/openapi.json").await.expect(200)["openapi"],
        "3.1.0"
    );
    shop.close().await;
}

#[tokio::test]
async fn a_page_runs_no_script_but_its_own() {
    let shop = TestShop::open().await;
    let html = page(&shop, "/docs/").await;
    let policy = html.header("content-security-policy").expect("a policy");
    let directive = |name: &str| {
        let directives = policy.split(';').map(str::trim);
        directives
            .filter_map(|directive| directive.split_once(' '))
            .find(|(of, _)| *of == name)
            .map(|(_, sources)| sources)
    };
    assert_eq!(directive("default-src"), Some("'none'"));
    assert_eq!(directive("script-src"), Some("'self'"));
    assert_eq!(directive("connect-src"), Some("'self'"));
    assert_eq!(directive("frame-ancestors"), Some("'none'"));
    assert!(!policy.contains("http"), "{policy}");
    // The page keeps its own policy.
    for tag in html.text.split("<script").skip(1) {
        assert!(tag.contains("src="), "inline script: {tag}");
    }
    assert!(!html.text.contains("onload="));
    let redirect = page(&shop, "/docs/oauth2-redirect.html").await;
    if redirect.status == 200 {
        assert!(redirect.header("content-security-policy").is_some());
    }
    shop.close().await;
}

#[tokio::test]
async fn the_short_address_leads_to_the_page() {
    let shop = TestShop::open().await;
    let page = page(&shop, "/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui"));
    let missing = shop.request(Method::GET, "/docs/missing.js");
    let missing = shop.send(missing).await;
    missing.expect_problem(404, "unknown_route");
    shop.close().await;
}
