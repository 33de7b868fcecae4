use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use ports::products::{ReserveRejection, ReserveRequest};
use ports::users::AccountRejection;
use ports::{Failure, PortError, Products};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::conformance::bench::{Server, cx};

/// Something that answers everything so.
fn answering(status: u16, body: &'static str) -> Server {
    let status = StatusCode::from_u16(status).unwrap();
    Server::bind("127.0.0.1:0", move |cfg| {
        let answer = move || async move { HttpResponse::build(status).body(body) };
        cfg.default_service(web::to(answer));
    })
}

const REPLY: &str = r#"{
    "reply": {
        "user_id": "00000000-0000-0000-0000-000000000001",
        "is_active": true,
        "role": "customer",
        "of_a_newer_release": { "deep": [1] }
    }
}"#;

#[tokio::test]
async fn what_a_newer_peer_adds_is_ignored() {
    let newer = answering(200, REPLY);
    let answer = users_at(&newer.url()).account(cx(), about_ada()).await;
    assert_eq!(answer, Ok(ADA));
    newer.stop().await;

    let rejected = r#"{"rejected": {"code": "session_ended", "since": 5}, "seen_by": ["x"]}"#;
    let newer = answering(409, rejected);
    let answer = users_at(&newer.url()).account(cx(), about_ada()).await;
    assert_eq!(
        answer,
        Err(PortError::Rejected(AccountRejection::SessionEnded))
    );
    newer.stop().await;
}

#[tokio::test]
async fn what_a_newer_peer_sends_is_read() {
    let fake = Arc::new(crate::conformance::products::FakeProducts::default());
    let server = Server::start(fake as Arc<dyn Products>);
    let body = r#"{"reservation_id": "00000000-0000-0000-0000-000000000001",
        "lines": [{"product_id": "00000000-0000-0000-0000-000000000002", "quantity": 1,
                   "unit": "kg"}], "priority": 5}"#;
    let url = format!("{}/internal/products/v1/reserve", server.url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(url).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 409);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["rejected"]["code"], "unknown_products");
    server.stop().await;
}

/// What is said by others than the module: proxies, other programs, other releases.
#[tokio::test]
async fn an_answer_that_makes_no_sense_is_unavailable() {
    let answers = [
        (200, ""),
        (200, "null"),
        (200, "{}"),
        (200, "<html>Welcome</html>"),
        (200, r#"{"reply": 5}"#),
        (
            200,
            r#"{"reply": {"user_id": "00000000-0000-0000-0000-000000000001"}}"#,
        ),
        (200, r#"{"reply": "#),
        (409, r#"{"rejected": {"code": "of_a_newer_release"}}"#),
        (503, r#"{"failed": "of_a_newer_release"}"#),
        (204, ""),
        (301, ""),
        (401, r#"{"code": "unauthorized"}"#),
        (404, r#"{"code": "unknown_route"}"#),
        (413, ""),
        (500, "Internal Server Error"),
        (502, "<html>Bad Gateway</html>"),
    ];
    for (status, body) in answers {
        let other = answering(status, body);
        let answer = users_at(&other.url()).account(cx(), about_ada()).await;
        assert_eq!(answer, Err(Failure::Unavailable.into()), "{status} {body}");
        other.stop().await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_unavailable() {
    let broken = [
        "",
        "220 mail.example.com ESMTP\r\n",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"reply\": {",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{\"reply\r\n",
    ];
    for said in broken {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let peer = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let _ = client.read(&mut [0; 4096]).await;
                let _ = client.write_all(said.as_bytes()).await;
            }
        });
        let answer = users_at(&url).account(cx(), about_ada()).await;
        assert_eq!(answer, Err(Failure::Unavailable.into()), "{said:?}");
        peer.abort();
    }
}

/// What a module said for itself is told as it was said.
#[tokio::test]
async fn failures_of_the_module_come_across() {
    let request = ReserveRequest {
        reservation_id: Uuid::nil(),
        lines: vec![],
    };
    let cases = [
        (
            503,
            r#"{"failed": "unavailable"}"#,
            Failure::Unavailable.into(),
        ),
        (504, r#"{"failed": "timeout"}"#, Failure::Timeout.into()),
        (500, r#"{"failed": "internal"}"#, Failure::Internal.into()),
        (
            409,
            r#"{"rejected": {"code": "reservation_closed"}}"#,
            PortError::Rejected(ReserveRejection::ReservationClosed),
        ),
    ];
    for (status, body, expected) in cases {
        let peer = answering(status, body);
        let products: Arc<dyn Products> = remote(&peer.url(), PATIENT);
        assert_eq!(products.reserve(cx(), request.clone()).await, Err(expected));
        peer.stop().await;
    }
}
