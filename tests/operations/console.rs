//! The operator's page. What it does in a browser is seen by `scripts/console-in-browser`.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::support::{Answer, TestShop, client};

/// Not places that anybody is sent to: the name of SVG, and what an empty field shows.
const HARMLESS: [&str; 2] = ["http://www.w3.org/2000/svg", "http://10.0.0.2:8100"];

/// As a browser asks, which shows no token.
async fn get(shop: &TestShop, path: &str) -> Answer {
    ask(shop, Method::GET, path).await
}

async fn ask(shop: &TestShop, method: Method, path: &str) -> Answer {
    let url = format!("http://{}{path}", shop.private());
    let request = client().request(method, url);
    shop.send(request.header("accept-encoding", "identity"))
        .await
}

/// What stands between the two, each time.
fn between<'a>(text: &'a str, start: &str, end: char) -> Vec<&'a str> {
    let parts = text.split(start).skip(1);
    parts.filter_map(|part| part.split(end).next()).collect()
}

/// The page and all that it leads to, with their paths.
async fn files(shop: &TestShop) -> Vec<(String, Answer)> {
    let mut wanted = vec!["/console".to_owned()];
    let (mut seen, mut files) = (BTreeSet::new(), Vec::new());
    while let Some(path) = wanted.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let file = get(shop, &path).await;
        assert_eq!(file.status, 200, "{path}");
        let named = ["src=\"", "href=\""].map(|start| between(&file.text, start, '"'));
        let named = named.concat().into_iter().map(str::to_owned);
        wanted.extend(named.filter(|name| !name.starts_with('#')));
        let imports = between(&file.text, "from \"./", '"').into_iter();
        wanted.extend(imports.map(|name| format!("/console/{name}")));
        files.push((path, file));
    }
    files
}

#[tokio::test]
async fn the_page_is_on_the_private_listener_only() {
    let shop = TestShop::open().await;
    let page = get(&shop, "/console").await;
    assert_eq!(page.status, 200);
    assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
    assert_eq!(get(&shop, "/console/").await.text, page.text);
    for path in ["/console", "/console/", "/console/console.js"] {
        let public = shop.send(shop.request(Method::GET, path)).await;
        public.expect_problem(404, "unknown_route");
    }
    shop.close().await;
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let shop = TestShop::open().await;
    let files = files(&shop).await;
    assert!(files.len() > 12, "{}", files.len());
    for (path, file) in &files {
        assert!(path.starts_with("/console"), "{path}");
        let content_type = match path.rsplit_once('.') {
            None => "text/html; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            Some((_, other)) => panic!("{other}: {path}"),
        };
        assert_eq!(file.header("content-type"), Some(content_type), "{path}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        let mut text = file.text.clone();
        for harmless in HARMLESS {
            text = text.replace(harmless, "");
        }
        for foreign in ["http://", "https://", "@import", "url(//", "src=\"//"] {
            assert!(!text.contains(foreign), "{path}: {foreign}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn the_page_runs_its_own_scripts_and_makes_none_of_data() {
    let shop = TestShop::open().await;
    for (path, file) in files(&shop).await {
        let policy = file.header("content-security-policy");
        let policy: Vec<_> = policy.expect(&path).split("; ").collect();
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(&directive), "{path}: {policy:?}");
        }
        for unsafe_word in ["unsafe", "http", "*"] {
            let loose = policy.iter().any(|line| line.contains(unsafe_word));
            assert!(!loose, "{path}: {policy:?}");
        }
        for sink in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!file.text.contains(sink), "{path}: {sink}");
        }
        if path == "/console" {
            for tag in file.text.split("<script").skip(1) {
                assert!(tag.contains("src="), "inline script: {tag}");
            }
            for inline in ["<style", " style=", " onclick=", " onload="] {
                assert!(!file.text.contains(inline), "{inline}");
            }
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn what_the_page_shows_is_for_operators() {
    let shop = TestShop::open().await;
    let page = get(&shop, "/console").await;
    // Nobody gets another page for a token.
    assert_eq!(shop.ops(Method::GET, "/console").await.text, page.text);
    let script = get(&shop, "/console/look.js").await.text;
    for path in [
        "/ops/topology",
        "/ops/events",
        "/ops/databases",
        "/health",
        "/metrics",
    ] {
        assert!(script.contains(&format!("(\"{path}\")")), "{path}");
        assert_eq!(shop.ops(Method::GET, path).await.status, 200, "{path}");
        if path.starts_with("/ops") {
            get(&shop, path).await.expect_problem(401, "invalid_token");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn other_names_are_refused_as_everywhere() {
    let shop = TestShop::open().await;
    for path in [
        "/console/missing.js",
        "/console/mod.rs",
        "/console/..%2fmod.rs",
        "/console/console.js/",
    ] {
        let refused = get(&shop, path).await;
        refused.expect_problem(404, "unknown_route");
    }
    let refused = ask(&shop, Method::POST, "/console").await;
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    refused.expect_problem(405, "method_not_allowed");
    let head = ask(&shop, Method::HEAD, "/console/console.js").await;
    assert_eq!(head.status, 200);
    assert_eq!(head.text, "");
    shop.close().await;
}

#[tokio::test]
async fn a_file_that_is_known_is_not_sent_again() {
    let shop = TestShop::open().await;
    let file = get(&shop, "/console/console.css").await;
    assert_eq!(file.header("cache-control"), Some("no-cache"));
    let tag = file.header("etag").expect("a tag").to_owned();
    let again = async |known: &str| {
        let url = format!("http://{}/console/console.css", shop.private());
        let request = client().get(url).header("if-none-match", known);
        shop.send(request).await
    };
    let known = again(&tag).await;
    assert_eq!(known.status, 304);
    assert_eq!(known.header("etag"), Some(&*tag));
    assert_eq!(known.text, "");
    assert_eq!(again("\"another\"").await.text, file.text);
    shop.close().await;
}
