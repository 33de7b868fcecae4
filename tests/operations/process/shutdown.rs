use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};

use super::{run, said};
use crate::support::{
    Answer, Blocker, Process, command, eventually, free_address, roomy_folder, server_of,
};

#[tokio::test]
async fn sigterm_finishes_what_is_under_way() {
    let folder = roomy_folder();
    let address = free_address();
    let serve = || Process::serve(command(folder.path(), address, &["serve"]), address);
    let process = serve().await;
    let token = sign_in(&process, folder.path()).await;
    let send = async |process: &Process, method, path: &str, body: &Value| {
        let request = process.request(method, path).bearer_auth(&token);
        Answer::read(request.json(body).send().await.unwrap()).await
    };
    let product = json!({
        "sku": "SOFA", "name": "Sofa", "price": { "amount": 1, "currency": "EUR" },
        "stock": { "on_hand": 1 },
    });
    let product = send(&process, Method::POST, "/api/v1/products", &product).await;
    let product = product.expect(201)["id"].as_str().unwrap().to_owned();

    let server = server_of(folder.path()).await.unwrap();
    let mut blocker = Blocker::stock(server.connect_options("products"), &product).await;
    let body = json!({ "items": [{ "product_id": product, "quantity": 1 }] });
    let order = send(&process, Method::POST, "/api/v1/orders", &body);
    let stopping = async {
        blocker.victims(1).await;
        process.signal(Signal::SIGTERM);
        eventually("it is not ready any more", async || {
            !process.is_ready().await
        })
        .await;
        blocker.release().await;
    };
    let (order, ()) = tokio::join!(order, stopping);
    let order = order.expect(201);
    ends_without_complaint(process).await;
    assert!(!folder.path().join("pg/pgdata/postmaster.pid").exists());
    assert!(server_of(folder.path()).await.is_none());

    let process = serve().await;
    let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
    let again = send(&process, Method::GET, &path, &json!({})).await;
    assert_eq!(again.expect(200), order);
    // Nothing to do with it any more.
    process.signal(Signal::SIGHUP);
    process.signal(Signal::SIGTERM);
    ends_without_complaint(process).await;
}

async fn ends_without_complaint(process: Process) {
    let (code, log) = process.ended_saying().await;
    assert_eq!(code, Some(0), "{log}");
    let complaints = [r#""level":"WARN""#, r#""level":"ERROR""#];
    let complains = |line: &&str| complaints.iter().any(|level| line.contains(level));
    assert_eq!(log.lines().find(complains), None);
}

/// Makes an admin and returns the access token.
pub async fn sign_in(process: &Process, folder: &std::path::Path) -> String {
    let arguments = ["admin", "create", "--email", "root@example.com", "--json"];
    let created = run(command(folder, process.address, &arguments)).await;
    let admin: Value = serde_json::from_slice(&created.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(&created)));
    let body = json!({ "email": admin["email"], "password": admin["password"] });
    let login = process
        .request(Method::POST, "/api/v1/auth/login")
        .json(&body);
    let tokens: Value = login.send().await.unwrap().json().await.unwrap();
    tokens["access_token"].as_str().unwrap().to_owned()
}
