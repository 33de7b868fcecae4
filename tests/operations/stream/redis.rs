//! A Redis of one's own, to be killed and started again.

use std::io::Read;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use ::redis::Client;
use ::redis::streams::StreamRangeReply;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::support::{eventually, roomy_folder};

/// Found, or installed, as CI does it.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/redis-bin");
    let output = Command::new(script)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
});

pub struct Redis {
    address: SocketAddr,
    /// Bound and not listening, it keeps the port while Redis is dead.
    _port: TcpSocket,
    folder: TempDir,
    child: Option<Child>,
}

impl Redis {
    pub async fn start() -> Self {
        let port = TcpSocket::new_v4().unwrap();
        port.set_reuseaddr(true).unwrap();
        port.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let mut redis = Self {
            address: port.local_addr().unwrap(),
            _port: port,
            folder: roomy_folder(),
            child: None,
        };
        redis.revive().await;
        redis
    }

    /// Starts it, with what it had when it was killed.
    pub async fn revive(&mut self) {
        let port = self.address.port().to_string();
        let child = Command::new(&*PROGRAM)
            .args(["--bind", "127.0.0.1", "--port", &port])
            .args([
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        self.child = Some(child);
        eventually("Redis answers", async || {
            let ping = async {
                let mut connection = self.client().get_multiplexed_async_connection().await?;
                ::redis::cmd("PING")
                    .query_async::<String>(&mut connection)
                    .await
            };
            ping.await.is_ok()
        })
        .await;
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
            let mut log = String::new();
            let _ = child.stdout.map(|mut out| out.read_to_string(&mut log));
        }
    }

    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// As a setting of a shop.
    pub fn setting(&self) -> String {
        format!("events.stream_url={}", self.url())
    }

    fn client(&self) -> Client {
        Client::open(self.url()).unwrap()
    }

    /// Every key, and in how many seconds it goes; -1 for never.
    pub async fn keys(&self) -> Vec<(String, i64)> {
        let mut connection = self
            .client()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        let keys: Vec<String> = ::redis::cmd("KEYS")
            .arg("*")
            .query_async(&mut connection)
            .await
            .unwrap();
        let mut found = Vec::new();
        for key in keys {
            let mut ttl = ::redis::cmd("TTL");
            let seconds = ttl.arg(&key).query_async(&mut connection).await.unwrap();
            found.push((key, seconds));
        }
        assert!(!found.is_empty());
        found
    }

    /// Every field of every hash whose key is like this.
    pub async fn overwrite(&self, keys: &str, value: &[u8]) {
        let script = "
            for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
              for _, field in ipairs(redis.call('HKEYS', key)) do
                redis.call('HSET', key, field, ARGV[2])
              end
            end";
        let mut connection = self
            .client()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        let mut eval = ::redis::cmd("EVAL");
        let eval = eval.arg(script).arg(0).arg(keys).arg(value);
        eval.exec_async(&mut connection).await.unwrap();
    }

    /// The entries of a module's stream, `data` read.
    pub async fn entries(&self, module: &str) -> Vec<Value> {
        let mut connection = self
            .client()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        let range: StreamRangeReply = ::redis::cmd("XRANGE")
            .arg(format!("cleave:events:{module}"))
            .arg("-")
            .arg("+")
            .query_async(&mut connection)
            .await
            .unwrap();
        let entries = range.ids.iter().map(|entry| {
            let text = |field: &str| entry.get::<String>(field).unwrap();
            assert_eq!(entry.map.len(), 5);
            json!({
                "id": text("id"),
                "type": text("type"),
                "occurred_at": text("occurred_at"),
                "aggregate_id": text("aggregate_id"),
                "data": serde_json::from_str::<Value>(&text("data")).unwrap(),
            })
        });
        entries.collect()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
