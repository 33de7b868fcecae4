//! A socket, for what no well-behaved client sends.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Answer, TestShop};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Raw(BufStream<TcpStream>);

impl Raw {
    pub async fn connect(shop: &TestShop) -> Self {
        Self(BufStream::new(
            TcpStream::connect(shop.address).await.unwrap(),
        ))
    }

    /// One request on a connection of its own.
    pub async fn ask(shop: &TestShop, bytes: impl AsRef<[u8]>) -> Answer {
        let mut raw = Self::connect(shop).await;
        raw.send(bytes).await;
        raw.answer().await
    }

    /// A peer that stopped listening is seen when its answer is read.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
        let _ = self.0.flush().await;
    }

    /// The next answer, interim ones too.
    pub async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        let body = timeout(PATIENCE, self.body(&answer)).await;
        answer.text = body.expect("a body in time").expect("a body");
        answer.json = serde_json::from_str(&answer.text).unwrap_or_default();
        answer
    }

    /// An answer that has no body, such as that to HEAD.
    pub async fn head(&mut self) -> Answer {
        let head = timeout(PATIENCE, self.read_head()).await;
        head.expect("an answer in time").expect("an answer")
    }

    /// Whether nothing more comes.
    pub async fn is_closed(&mut self) -> bool {
        let read = timeout(PATIENCE, self.0.read_u8()).await;
        read.expect("the connection closes in time").is_err()
    }

    async fn read_head(&mut self) -> std::io::Result<Answer> {
        let mut line = String::new();
        self.0.read_line(&mut line).await?;
        let code = line.split(' ').nth(1).unwrap_or_default();
        let status: StatusCode = code.parse().map_err(std::io::Error::other)?;
        let mut headers = HeaderMap::new();
        loop {
            line.clear();
            self.0.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            let value = HeaderValue::from_str(value).unwrap();
            headers.append(name.parse::<HeaderName>().unwrap(), value);
        }
        Ok(Answer {
            status,
            headers,
            text: String::new(),
            json: serde_json::Value::Null,
        })
    }

    async fn body(&mut self, head: &Answer) -> std::io::Result<String> {
        if head.header("transfer-encoding") == Some("chunked") {
            return self.chunks().await;
        }
        let length = head.header("content-length").unwrap_or("0");
        let length = length.parse().map_err(std::io::Error::other)?;
        self.exactly(length).await
    }

    async fn chunks(&mut self) -> std::io::Result<String> {
        let mut body = String::new();
        loop {
            let mut size = String::new();
            self.0.read_line(&mut size).await?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(std::io::Error::other)?;
            body += self.exactly(size + 2).await?.trim_end_matches("\r\n");
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> std::io::Result<String> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
