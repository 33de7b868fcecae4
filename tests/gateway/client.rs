//! A client that sends whatever it likes.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use crate::message::{Message, Wire};

pub async fn connect(address: SocketAddr) -> Wire {
    Wire::new(TcpStream::connect(address).await.unwrap())
}

/// One request on a connection of its own.
pub async fn ask(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Message {
    let mut wire = connect(address).await;
    wire.send(bytes).await;
    wire.message().await.unwrap()
}

/// A request without a body.
pub fn get(target: &str) -> String {
    with(target, "")
}

/// With more header lines, each with its end.
pub fn with(target: &str, lines: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: shop.example\r\n{lines}\r\n")
}

/// A request with a sized body.
pub fn post(target: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}
