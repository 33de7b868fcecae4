//! Somebody whom the shop tells by webhook: a small HTTP server of its own making.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::eventually;

/// One request, read to its end.
#[derive(Clone, Debug)]
pub struct Notice {
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    /// 302 to this address.
    Redirect(String),
    /// 204, when it is told to.
    After(Arc<Notify>),
    /// None at all, on a connection that stays open.
    Silence,
    /// 200, and a body that does not end.
    Endless,
    /// The connection is closed instead.
    Close,
}

type Script = Arc<Mutex<dyn FnMut(&Notice) -> Reply + Send>>;

/// Stops when it is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    notices: Arc<Mutex<Vec<Notice>>>,
    accepting: JoinHandle<()>,
}

impl Receiver {
    /// One who takes everything.
    pub async fn open() -> Self {
        Self::answering(|_| Reply::Status(204)).await
    }

    pub async fn answering(script: impl FnMut(&Notice) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let notices = Arc::<Mutex<Vec<Notice>>>::default();
        let (heard, script) = (Arc::clone(&notices), Arc::new(Mutex::new(script)) as Script);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (heard, script) = (Arc::clone(&heard), Arc::clone(&script));
                tokio::spawn(async move {
                    // A connection that breaks is nothing that was heard.
                    let _ = serve(stream, &heard, &script).await;
                });
            }
        });
        Self {
            address,
            notices,
            accepting,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn notices(&self) -> Vec<Notice> {
        self.notices.lock().unwrap().clone()
    }

    /// Waits until it has heard so many times.
    pub async fn heard(&self, times: usize) -> Vec<Notice> {
        eventually(&format!("{times} notices are received"), async || {
            self.notices().len() >= times
        })
        .await;
        self.notices()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Notice {
    pub fn header(&self, name: &str) -> &str {
        &self.headers[name]
    }

    /// Verifies it as docs/webhooks.md tells, by HMAC as RFC 2104 has it; then reads it.
    #[track_caller]
    pub fn verified(&self, secret: &str) -> Value {
        let key = secret.strip_prefix("whsec_").unwrap();
        let key = STANDARD.decode(key).unwrap();
        assert!((24..=64).contains(&key.len()));
        let timestamp: i64 = self.header("webhook-timestamp").parse().unwrap();
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        assert!(
            (now - timestamp).abs() < 300,
            "{timestamp}, and it is {now}"
        );
        let signed = [
            self.header("webhook-id").as_bytes(),
            self.header("webhook-timestamp").as_bytes(),
            &self.body,
        ]
        .join(&b'.');
        let pad = |with: u8| {
            let mut block = [with; 64];
            for (byte, key) in block.iter_mut().zip(&key) {
                *byte ^= key;
            }
            block
        };
        let inner = Sha256::digest([&pad(0x36)[..], &signed].concat());
        let outer = Sha256::digest([&pad(0x5c)[..], &inner].concat());
        let expected = format!("v1,{}", STANDARD.encode(outer));
        assert_eq!(self.header("webhook-signature"), expected);
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Its body as it is.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn serve(
    stream: TcpStream,
    heard: &Mutex<Vec<Notice>>,
    script: &Script,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let notice = read(&mut stream).await?;
    let reply = (script.lock().unwrap())(&notice);
    heard.lock().unwrap().push(notice);
    if let Reply::After(told) = &reply {
        told.notified().await;
    }
    let head = match &reply {
        Reply::Status(status) => format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n\r\n"),
        Reply::Redirect(to) => {
            format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
        }
        Reply::After(_) => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        Reply::Endless => "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n".to_owned(),
        Reply::Silence | Reply::Close => String::new(),
    };
    stream.write_all(head.as_bytes()).await?;
    match reply {
        Reply::Endless => loop {
            stream.write_all(&[b'x'; 1 << 16]).await?;
        },
        // Until the other side has had enough.
        Reply::Silence => stream.read(&mut [0]).await.map(drop),
        _ => stream.shutdown().await,
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Notice> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    Ok(Notice {
        path,
        headers,
        body,
    })
}
