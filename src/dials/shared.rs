//! With Redis, replicas turn together: each of them keeps its positions there too, and follows
//! those that were turned to later.

use std::sync::atomic::{AtomicBool, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use platform::redis::Redis;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::kept::{KeptPosition, Positions};
use crate::settings::Module;

/// For each module whichever entry is the newest, and then all of them. An entry starts with its age.
const SCRIPT: &str = "
for i = 1, #ARGV, 2 do
  local age = function(entry) return tonumber(string.match(entry, '^%d+')) end
  local kept = redis.call('HGET', KEYS[1], ARGV[i])
  if not kept or age(kept) < age(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('EXPIRE', KEYS[1], 86400)
return redis.call('HGETALL', KEYS[1])";

/// What the replicas of a front have in common: the shop, and the placement that they were started
/// with. The peer of a front has another one, and does not follow it to itself. Settings that were
/// changed are a placement of their own; the one before is forgotten a day after its last process.
pub(super) struct Shared {
    redis: Redis,
    mac: Hmac<Sha256>,
    key: String,
    /// Of an entry that is not ours.
    warned: AtomicBool,
}

impl Shared {
    /// `internal` is the secret of the shop, `placement` the modules' modes and urls.
    pub fn new(redis: Redis, internal: &SecretString, placement: &[u8]) -> Self {
        let mac = Hmac::new_from_slice(internal.expose_secret().as_bytes());
        // A key of any length will do.
        let mac = mac.unwrap_or_else(|_| Hmac::new(&Default::default()));
        let name = hex(&mac.clone().chain_update(placement).finalize().into_bytes()[..16]);
        let key = format!("cleave:dials:{name}");
        Self {
            redis,
            mac,
            key,
            warned: AtomicBool::new(false),
        }
    }

    /// Leaves ours where they are newer, and answers the newest; `None` while Redis is away.
    pub async fn exchange(&self, ours: &Positions) -> Option<Positions> {
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(1).arg(&self.key);
        for (module, position) in ours {
            command
                .arg(module.name())
                .arg(self.entry(*module, position)?);
        }
        let found: Vec<(String, String)> = self.redis.ask(&command).await?;
        let read = |(name, entry): &(String, String)| {
            let module = Module::ALL
                .into_iter()
                .find(|module| module.name() == name)?;
            let position = self.read(module, entry);
            if position.is_none() && !self.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(%module, "a dial in Redis is not of this shop; it is not followed");
            }
            Some((module, position?))
        };
        Some(found.iter().filter_map(read).collect())
    }

    fn entry(&self, module: Module, position: &KeptPosition) -> Option<String> {
        let text = serde_json::to_string(position).ok()?;
        let signature = hex(&self.signature(module, &text).finalize().into_bytes());
        Some(format!("{} {signature} {text}", position.turned_at))
    }

    /// Whoever says where a module is gets the shop's requests, so it must be one who knows its
    /// secret.
    fn read(&self, module: Module, entry: &str) -> Option<KeptPosition> {
        let mut parts = entry.splitn(3, ' ').skip(1);
        let (signature, text) = (parts.next()?, parts.next()?);
        let signature = unhex(signature)?;
        let expected = self.signature(module, text);
        expected.verify_slice(&signature).ok()?;
        serde_json::from_str(text).ok()
    }

    fn signature(&self, module: Module, text: &str) -> Hmac<Sha256> {
        let parts = [&self.key, " ", module.name(), " ", text];
        let sign = |mac: Hmac<Sha256>, part: &str| mac.chain_update(part);
        parts.into_iter().fold(self.mac.clone(), sign)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ports_http::Step;

    use super::*;
    use crate::dials::kept::Configured;

    fn shared(secret: &str, placement: &str) -> Shared {
        let redis = Redis::open("redis://127.0.0.1:1/").unwrap();
        Shared::new(redis, &secret.into(), placement.as_bytes())
    }

    #[tokio::test]
    async fn only_those_who_know_the_secret_say_where_a_module_is() {
        let position = KeptPosition {
            step: Step::Remote,
            percent: 100,
            url: Some("http://products:8100".to_owned()),
            configured: Configured {
                mode: "local".to_owned(),
                url: None,
            },
            turned_at: 7,
        };
        let (one, replica) = (shared("secret", "here"), shared("secret", "here"));
        assert_eq!(one.key, replica.key);
        let entry = one.entry(Module::Products, &position).unwrap();
        assert!(entry.starts_with("7 "), "{entry}");
        assert_eq!(replica.read(Module::Products, &entry), Some(position));

        let (stranger, peer) = (shared("guess", "here"), shared("secret", "there"));
        for other in [&stranger, &peer] {
            assert_ne!(other.key, one.key);
            assert_eq!(other.read(Module::Products, &entry), None);
        }
        assert_eq!(replica.read(Module::Users, &entry), None);
        for forged in [
            entry.replace("http://products", "http://evil"),
            entry.replacen("7 ", "7 00", 1),
            "7  {}".to_owned(),
            "7 \u{e9}".to_owned(),
            String::new(),
        ] {
            assert_eq!(replica.read(Module::Products, &forged), None, "{forged}");
        }
    }
}
