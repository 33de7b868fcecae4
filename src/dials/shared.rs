//! With Redis, replicas turn together: each of them keeps its positions there too, and follows
//! those that were turned to later.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use platform::redis::Redis;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::kept::{KeptPosition, Positions};
use crate::settings::Module;

/// Replaces entries that are as they were seen, and answers all of them. What stands there is not
/// judged here: Redis cannot tell whether a signature is right.
const SCRIPT: &str = "
for i = 1, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') == ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  end
end
redis.call('EXPIRE', KEYS[1], 86400)
return redis.call('HGETALL', KEYS[1])";

/// How often entries may change between being seen and being replaced. Ours are offered again at
/// the next look.
const ATTEMPTS: usize = 4;

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

/// As they are in Redis, whoever left them there, by the name of the module.
type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

impl Shared {
    /// `internal` is the secret of the shop, `placement` the modules' modes and urls.
    pub fn new(redis: Redis, internal: &SecretString, placement: &[u8]) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC has no key that it refuses")]
        let mac: Hmac<Sha256> = Hmac::new_from_slice(internal.expose_secret().as_bytes())
            .expect("a key of any length will do");
        let name = mac.clone().chain_update(placement).finalize().into_bytes();
        let key = format!("cleave:dials:{}", BASE64.encode(name));
        Self {
            redis,
            mac,
            key,
            warned: AtomicBool::new(false),
        }
    }

    /// Leaves ours where they are newer, and answers the newest; `None` while Redis is away.
    pub async fn exchange(&self, ours: &Positions) -> Option<Positions> {
        let mut found = self.replace(&[]).await?;
        for _ in 0..ATTEMPTS {
            let theirs = self.read_all(&found);
            let newer = |(module, own): &(&Module, &KeptPosition)| {
                let theirs = theirs.get(module);
                theirs.is_none_or(|theirs| theirs.turned_at < own.turned_at)
            };
            let ours: Vec<_> = ours.iter().filter(newer).collect();
            if ours.is_empty() {
                return Some(theirs);
            }
            let replacement = |(module, own): &(&Module, &KeptPosition)| {
                let name = module.name().as_bytes();
                let seen = found.get(name).cloned().unwrap_or_default();
                Some([name.to_vec(), seen, self.entry(**module, own)?.into()])
            };
            let replacements: Option<Vec<_>> = ours.iter().map(replacement).collect();
            found = self.replace(&replacements?).await?;
        }
        Some(self.read_all(&found))
    }

    /// Module, what was seen there, what is to be there.
    async fn replace(&self, replacements: &[[Vec<u8>; 3]]) -> Option<Entries> {
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(1).arg(&self.key);
        for part in replacements.as_flattened() {
            command.arg(part);
        }
        self.redis.ask(&command).await
    }

    /// Those that are of this shop; to be followed, and to be heeded.
    fn read_all(&self, found: &Entries) -> Positions {
        let mut positions = Positions::new();
        for module in Module::ALL {
            let Some(entry) = found.get(module.name().as_bytes()) else {
                continue;
            };
            if let Some(position) = self.read(module, entry) {
                positions.insert(module, position);
            } else if !self.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(%module, "a dial in Redis is not of this shop; it is not followed");
            }
        }
        positions
    }

    fn entry(&self, module: Module, position: &KeptPosition) -> Option<String> {
        let text = serde_json::to_string(position).ok()?;
        let signature = self.signature(module, &text).finalize().into_bytes();
        Some(format!("{} {text}", BASE64.encode(signature)))
    }

    /// Whoever says where a module is gets the shop's requests, so it must be one who knows its
    /// secret.
    fn read(&self, module: Module, entry: &[u8]) -> Option<KeptPosition> {
        let (signature, text) = str::from_utf8(entry).ok()?.split_once(' ')?;
        let signature = BASE64.decode(signature).ok()?;
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
        let read = |by: &Shared, module, entry: &str| by.read(module, entry.as_bytes());
        assert_eq!(read(&replica, Module::Products, &entry), Some(position));

        let (stranger, peer) = (shared("guess", "here"), shared("secret", "there"));
        for other in [&stranger, &peer] {
            assert_ne!(other.key, one.key);
            assert_eq!(read(other, Module::Products, &entry), None);
        }
        assert_eq!(read(&replica, Module::Users, &entry), None);
        for forged in [
            entry.replace("http://products", "http://evil"),
            format!("A{entry}"),
            " {}".to_owned(),
            "\u{e9} {}".to_owned(),
            String::new(),
        ] {
            assert_eq!(read(&replica, Module::Products, &forged), None, "{forged}");
        }
    }
}
