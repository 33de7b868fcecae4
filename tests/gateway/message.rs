//! HTTP/1.1 messages as they are on the wire (RFC 9112), read without mercy.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the other side may take for what it has to do.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The first line and the headers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// `GET /path HTTP/1.1` or `HTTP/1.1 200 OK`, without its end.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    pub fn all(&self, name: &str) -> Vec<&str> {
        let of_name = self.headers.iter().filter(|(of, _)| of == name);
        of_name.map(|(_, value)| value.as_str()).collect()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The second word: a request's target, an answer's status.
    pub fn second(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    pub fn status(&self) -> u16 {
        self.second().parse().unwrap_or_default()
    }

    pub fn chunked(&self) -> bool {
        self.get("transfer-encoding") == Some("chunked")
    }
}

/// A message read to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    pub head: Head,
    pub body: Vec<u8>,
}

impl Message {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Asserts a problem document with this status and code.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!(self.head.status(), status, "{}", self.text());
        let media_type = self.head.get("content-type");
        assert_eq!(media_type, Some("application/problem+json"));
        assert_eq!(self.json()["code"], code, "{}", self.text());
    }
}

/// One connection, seen from either end.
pub struct Wire(BufStream<TcpStream>);

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self(BufStream::new(stream))
    }

    /// Whoever does not listen any more is seen when something is read.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.try_send(bytes.as_ref()).await;
    }

    pub async fn try_send(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    /// Ends what is sent; answers may still be read.
    pub async fn end(&mut self) {
        let _ = self.0.shutdown().await;
    }

    /// `None` when the connection ends first.
    pub async fn head(&mut self) -> Option<Head> {
        timeout(PATIENCE, self.read_head())
            .await
            .expect("a head in time")
            .ok()
    }

    /// The whole message; an error when it is broken.
    pub async fn message(&mut self) -> Result<Message> {
        timeout(PATIENCE, async {
            let head = self.read_head().await?;
            let body = self.read_body(&head).await?;
            Ok(Message { head, body })
        })
        .await
        .expect("a message in time")
    }

    /// The rest of a message with this head.
    pub async fn body(&mut self, head: &Head) -> Result<Vec<u8>> {
        timeout(PATIENCE, self.read_body(head))
            .await
            .expect("a body in time")
    }

    pub async fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let read = timeout(PATIENCE, self.0.read_exact(&mut bytes)).await;
        read.expect("bytes in time")?;
        Ok(bytes)
    }

    /// One chunk of a chunked body; the last is empty.
    pub async fn chunk(&mut self) -> Result<Vec<u8>> {
        timeout(PATIENCE, self.read_chunk())
            .await
            .expect("a chunk in time")
    }

    /// Whether the other side ends the connection with nothing more.
    pub async fn is_closed(&mut self) -> bool {
        let read = timeout(PATIENCE, self.0.read_u8()).await;
        read.expect("the connection ends in time").is_err()
    }

    async fn line(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n") {
            bytes.push(self.0.read_u8().await?);
        }
        bytes.truncate(bytes.len() - 2);
        Ok(bytes.into_iter().map(char::from).collect())
    }

    async fn read_head(&mut self) -> Result<Head> {
        let mut head = Head {
            line: self.line().await?,
            headers: Vec::new(),
        };
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(head);
            }
            let (name, value) = line.split_once(':').ok_or(ErrorKind::InvalidData)?;
            head.headers
                .push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    async fn read_body(&mut self, head: &Head) -> Result<Vec<u8>> {
        let no_body = head.line.starts_with("HTTP/")
            && (head.status() < 200 || [204, 304].contains(&head.status()));
        if no_body {
            return Ok(Vec::new());
        }
        let lengths = head.all("content-length");
        let codings = head.all("transfer-encoding");
        match (&*lengths, &*codings) {
            ([], []) => Ok(Vec::new()),
            ([], ["chunked"]) => {
                let mut body = Vec::new();
                loop {
                    let chunk = self.read_chunk().await?;
                    if chunk.is_empty() {
                        return Ok(body);
                    }
                    body.extend(chunk);
                }
            }
            ([length], []) => {
                let mut body = vec![0; length.parse().map_err(Error::other)?];
                self.0.read_exact(&mut body).await?;
                Ok(body)
            }
            _ => Err(Error::other(format!("ambiguous framing: {head:?}"))),
        }
    }

    async fn read_chunk(&mut self) -> Result<Vec<u8>> {
        let size = self.line().await?;
        let size = usize::from_str_radix(&size, 16).map_err(Error::other)?;
        let mut chunk = vec![0; size];
        self.0.read_exact(&mut chunk).await?;
        match self.line().await?.is_empty() {
            true => Ok(chunk),
            false => Err(ErrorKind::InvalidData.into()),
        }
    }
}
