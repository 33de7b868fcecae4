//! Access tokens signed with keys that others can verify.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use platform::auth::{Ed25519Key, Role, Tokens};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    AUTH_SECRET, Customer, PASSWORD, TestDatabases, TestShop, Topology, roomy_folder,
};

const JWKS: &str = "/.well-known/jwks.json";

fn write_key(folder: &Path, kid: &str) -> PathBuf {
    let path = folder.join(format!("{kid}.pem"));
    std::fs::write(&path, Ed25519Key::generate_pem().unwrap()).unwrap();
    path
}

async fn open(databases: &TestDatabases, folder: &Path, kids: &[&str]) -> TestShop {
    let keys = kids.iter().map(|kid| {
        let path = folder.join(format!("{kid}.pem"));
        format!("{kid}={}", path.display())
    });
    let keys = format!("auth.keys={}", keys.collect::<Vec<_>>().join(","));
    let set = ["auth.algorithm=EdDSA", &keys];
    TestShop::open_on(databases.clone(), Topology::default(), &set).await
}

async fn public_keys(shop: &TestShop) -> Value {
    let answer = shop.send(shop.request(Method::GET, JWKS)).await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    answer.expect(200)
}

async fn is_signed_in(shop: &TestShop, who: &Customer) -> bool {
    let mut accepted = 0;
    for path in ["/auth/me", "/orders", "/products"] {
        let answer = shop.get_as(who, path).await;
        match answer.status.as_u16() {
            200 => accepted += 1,
            _ => drop(answer.expect_problem(401, "invalid_token")),
        }
    }
    assert!([0, 3].contains(&accepted));
    accepted == 3
}

#[tokio::test]
async fn a_token_is_verified_by_the_key_that_it_names() {
    let (databases, folder) = (TestDatabases::create().await, roomy_folder());
    for kid in ["old", "new"] {
        write_key(folder.path(), kid);
    }
    let shop = open(&databases, folder.path(), &["old"]).await;
    let ada = shop.customer("ada").await;
    assert!(is_signed_in(&shop, &ada).await);
    let jwks = public_keys(&shop).await;
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
    let key = &jwks["keys"][0];
    for (member, value) in [
        ("kty", "OKP"),
        ("crv", "Ed25519"),
        ("alg", "EdDSA"),
        ("use", "sig"),
        ("kid", "old"),
    ] {
        assert_eq!(key[member], value);
    }
    assert_eq!(key.get("d"), None, "the private half");
    // As anybody verifies it.
    let header = jsonwebtoken::decode_header(&ada.token).unwrap();
    assert_eq!(
        (header.alg, header.kid.as_deref()),
        (Algorithm::EdDSA, Some("old"))
    );
    let verifying = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["cleave:shop"]);
    let claims = jsonwebtoken::decode::<Value>(&ada.token, &verifying, &validation).unwrap();
    assert_eq!(claims.claims["sub"], ada.id);
    shop.close().await;

    // Known first, then signing, then alone: nobody is signed out on the way.
    let shop = open(&databases, folder.path(), &["old", "new"]).await;
    assert!(is_signed_in(&shop, &ada).await);
    shop.close().await;
    let shop = open(&databases, folder.path(), &["new", "old"]).await;
    let kids = public_keys(&shop).await;
    assert_eq!(
        (&kids["keys"][0]["kid"], &kids["keys"][1]["kid"]),
        (&json!("new"), &json!("old"))
    );
    assert!(is_signed_in(&shop, &ada).await);
    let bob = shop.customer("bob").await;
    shop.close().await;
    let shop = open(&databases, folder.path(), &["new"]).await;
    assert!(is_signed_in(&shop, &bob).await);
    assert!(!is_signed_in(&shop, &ada).await);
    shop.close().await;
}

#[tokio::test]
async fn who_knows_a_public_key_cannot_sign() {
    let (databases, folder) = (TestDatabases::create().await, roomy_folder());
    write_key(folder.path(), "a");
    let shop = open(&databases, folder.path(), &["a"]).await;
    let mut ada = shop.customer("ada").await;
    assert!(is_signed_in(&shop, &ada).await);
    let genuine = ada.token.clone();
    let x = public_keys(&shop).await["keys"][0]["x"]
        .as_str()
        .unwrap()
        .to_owned();
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(&genuine).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("a".to_owned());
    for secret in [x.as_str(), AUTH_SECRET, ""] {
        let secret = EncodingKey::from_secret(secret.as_bytes());
        ada.token = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
        assert!(!is_signed_in(&shop, &ada).await);
    }
    shop.close().await;
}

/// Another algorithm ends access tokens, which clients replace, and no session.
#[tokio::test]
async fn a_session_goes_on_when_the_algorithm_changes() {
    let (databases, folder) = (TestDatabases::create().await, roomy_folder());
    write_key(folder.path(), "a");
    let shop = TestShop::open_on(databases.clone(), Topology::default(), &[]).await;
    let none = public_keys(&shop).await;
    assert_eq!(none, json!({ "keys": [] }));
    let ada = shop.customer("ada").await;
    let body = json!({ "email": ada.email, "password": PASSWORD });
    let tokens = shop.post("/auth/login", &body).await.expect(200);
    shop.close().await;

    let shop = open(&databases, folder.path(), &["a"]).await;
    assert!(!is_signed_in(&shop, &ada).await);
    let secret = Tokens::hs256(&AUTH_SECRET.into(), Duration::from_secs(60));
    let forged = secret.issue(ada.id.parse().unwrap(), Role::Admin, Uuid::now_v7());
    let forged = Customer {
        token: forged.unwrap().token,
        ..ada.clone()
    };
    assert!(!is_signed_in(&shop, &forged).await);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let next = shop.post("/auth/refresh", &refresh).await.expect(200);
    let ada = Customer {
        token: next["access_token"].as_str().unwrap().to_owned(),
        ..ada
    };
    assert!(is_signed_in(&shop, &ada).await);
    shop.close().await;
}
