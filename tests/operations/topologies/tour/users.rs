use serde_json::{Value, json};

use super::{Tour, bare};
use crate::support::{Customer, PASSWORD};

const REGISTER: &str = "POST /api/v1/auth/register";
const LOGIN: &str = "POST /api/v1/auth/login";
const REFRESH: &str = "POST /api/v1/auth/refresh";

/// Returns somebody who is signed in.
pub async fn visit(tour: &mut Tour<'_>) -> Customer {
    register(tour).await;
    let tokens = sign_in(tour).await;
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    let me = tour
        .ask("GET /api/v1/auth/me", &|r| r.bearer_auth(&token))
        .await;
    let ada = Customer {
        id: me["id"].as_str().unwrap().to_owned(),
        email: me["email"].as_str().unwrap().to_owned(),
        token,
    };
    sessions(tour).await;
    refusals(tour, &ada).await;
    ada
}

async fn register(tour: &mut Tour<'_>) {
    let of = |email: &str, password: &str| json!({ "email": email, "password": password, "full_name": "Ada Lovelace" });
    tour.send(None, REGISTER, &of("Ada@Example.com", PASSWORD))
        .await;
    tour.send(None, REGISTER, &of("ada@example.com", PASSWORD))
        .await;
    tour.send(None, REGISTER, &of("nobody", "short")).await;
    let unknown = json!({ "email": "a@example.com", "admin": true });
    tour.send(None, REGISTER, &unknown).await;
    tour.ask(REGISTER, &bare).await;
    for text in ["{", "\u{feff}{}", "[1,2", ""] {
        tour.ask(REGISTER, &|request| {
            let request = request.header("content-type", "application/json");
            request.body(text)
        })
        .await;
    }
    for media_type in ["text/plain", "multipart/form-data"] {
        tour.ask(REGISTER, &|request| {
            request.header("content-type", media_type).body("{}")
        })
        .await;
    }
    let long = of(&format!("{}@example.com", "x".repeat(10_000)), PASSWORD);
    tour.send(None, REGISTER, &long).await;
}

async fn sign_in(tour: &mut Tour<'_>) -> Value {
    let credentials = |password: &str| json!({ "email": "ada@example.com", "password": password });
    tour.send(None, LOGIN, &credentials("a wrong password"))
        .await;
    let unknown = json!({ "email": "bob@example.com", "password": PASSWORD });
    tour.send(None, LOGIN, &unknown).await;
    tour.send(None, LOGIN, &json!({ "email": "ada@example.com" }))
        .await;
    for form in [
        "username=ada@example.com&password=wrong",
        "username=ada@example.com",
        "grant_type=implicit&username=a&password=b",
    ] {
        let form_type = "application/x-www-form-urlencoded";
        tour.ask(LOGIN, &|r| r.header("content-type", form_type).body(form))
            .await;
    }
    tour.send(None, LOGIN, &credentials(PASSWORD)).await
}

async fn sessions(tour: &mut Tour<'_>) {
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let first = tour.send(None, LOGIN, &credentials).await;
    let spend = |tokens: &Value| json!({ "refresh_token": tokens["refresh_token"] });
    let second = tour.send(None, REFRESH, &spend(&first)).await;
    tour.send(None, REFRESH, &spend(&first)).await;
    tour.send(None, REFRESH, &spend(&second)).await;
    tour.send(None, REFRESH, &json!({ "refresh_token": 7 }))
        .await;
    let third = tour.send(None, LOGIN, &credentials).await;
    for _ in 0..2 {
        tour.send(None, "POST /api/v1/auth/logout", &spend(&third))
            .await;
    }
}

async fn refusals(tour: &mut Tour<'_>, ada: &Customer) {
    let spoilt = ada.token.replacen('.', ".x", 1);
    let twice = format!("{} {}", ada.token, ada.token);
    for path in ["/auth/me", "/orders", "/products"] {
        let call = format!("GET /api/v1{path}");
        tour.ask(&call, &bare).await;
        for authorization in [
            "Bearer",
            "Bearer nonsense",
            "Basic YTpi",
            &*format!("Bearer {spoilt}"),
            &*format!("Bearer {twice}"),
        ] {
            tour.ask(&call, &|r| r.header("authorization", authorization))
                .await;
        }
    }
}
