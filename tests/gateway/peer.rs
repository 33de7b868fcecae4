//! A peer that answers what the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::message::{Message, PATIENCE, Wire};

/// Takes connections one by one, for the test to read and write.
pub struct Peer {
    pub address: SocketAddr,
    listener: TcpListener,
}

impl Peer {
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            listener,
        }
    }

    pub async fn accept(&self) -> Wire {
        let accepted = timeout(PATIENCE, self.listener.accept()).await;
        Wire::new(accepted.expect("a connection in time").unwrap().0)
    }

    /// Whether nobody connects in the next moment.
    pub async fn is_left_alone(&self, moment: Duration) -> bool {
        timeout(moment, self.listener.accept()).await.is_err()
    }

    /// From now on answers every request by itself.
    pub fn answer(self, answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> Served {
        let got = Arc::new(Mutex::new(Got::default()));
        let (address, seen) = (self.address, Arc::clone(&got));
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = self.listener.accept().await.unwrap();
                seen.lock().unwrap().connections += 1;
                tokio::spawn(serve(
                    Wire::new(stream),
                    Arc::clone(&seen),
                    Arc::clone(&answer),
                ));
            }
        });
        Served { address, got, task }
    }
}

async fn serve(
    mut wire: Wire,
    seen: Arc<Mutex<Got>>,
    answer: Arc<impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static>,
) {
    while let Some(head) = wire.head().await {
        seen.lock().unwrap().half_read += 1;
        let body = wire.body(&head).await;
        let broken = body.is_err();
        let body = body.unwrap_or_default();
        let message = Message { head, body };
        let reply = answer(&message);
        {
            let mut seen = seen.lock().unwrap();
            seen.half_read -= 1;
            seen.requests.push(Request { message, broken });
        }
        if broken || wire.try_send(&reply).await.is_err() {
            return;
        }
    }
}

/// What has arrived at a peer.
#[derive(Default)]
struct Got {
    connections: usize,
    /// Requests whose bodies go on.
    half_read: usize,
    requests: Vec<Request>,
}

pub struct Request {
    pub message: Message,
    /// It ended before its end.
    pub broken: bool,
}

/// A peer that answers by itself.
pub struct Served {
    pub address: SocketAddr,
    got: Arc<Mutex<Got>>,
    task: JoinHandle<()>,
}

impl Served {
    /// The requests since the last time.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.got.lock().unwrap().requests)
    }

    pub fn half_read(&self) -> usize {
        self.got.lock().unwrap().half_read
    }

    pub fn connections(&self) -> usize {
        self.got.lock().unwrap().connections
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with a sized body.
pub fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", "content-type: text/plain\r\n", body)
}

/// With header lines, each with its end.
pub fn answer(status: &str, lines: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{lines}\r\n{body}").into_bytes()
}
