use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::redis::Redis;
use sha2::{Digest, Sha256};

use super::ADDRESS_FACTOR;

/// The limits of all replicas together, kept in Redis by its own clock.
pub(super) struct Shared {
    redis: Redis,
    attempts: NonZeroU32,
}

/// The generic cell rate algorithm (ITU-T I.371), for each key in turn until one refuses. A key holds
/// when, at the even rate, the attempts so far will have been paid for. All times are microseconds;
/// answers the wait, 0 when there is none.
const SCRIPT: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i, key in ipairs(KEYS) do
  local interval = 60000000 / ARGV[i]
  local paid = math.max(tonumber(redis.call('GET', key) or 0), now) + interval
  local wait = paid - 60000000 - now
  if wait > 0 then return math.ceil(wait) end
  redis.call('SET', key, string.format('%.0f', paid), 'PX', math.ceil((paid - now) / 1000))
end
return 0";

impl Shared {
    pub(super) fn per_minute(attempts: NonZeroU32, redis: Redis) -> Self {
        Self { redis, attempts }
    }

    /// `None` when Redis does not say.
    pub(super) async fn check(
        &self,
        address: IpAddr,
        account: Option<&str>,
    ) -> Option<Result<(), Duration>> {
        // What is in braces keeps both on one node of a cluster.
        let of_address = format!(
            "cleave:users:attempts:{{{}}}",
            hash(&[&address.to_string()])
        );
        let of_account = account
            .map(|account| format!("{of_address}:{}", hash(&[&address.to_string(), account])));
        let mut command = redis::cmd("EVAL");
        command.arg(SCRIPT).arg(1 + u8::from(account.is_some()));
        command.arg(of_address).arg(of_account);
        command.arg(self.attempts.saturating_mul(ADDRESS_FACTOR).get());
        command.arg(self.attempts.get());
        let wait: u64 = self.redis.ask(&command).await?;
        Some(match wait {
            0 => Ok(()),
            wait => Err(Duration::from_micros(wait)),
        })
    }
}

/// Redis need not know who signs in.
fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_nobody() {
        let key = hash(&["192.0.2.1", "anna@example.com"]);
        assert_eq!(key.len(), 22);
        assert_ne!(key, hash(&["192.0.2.1", "bob@example.com"]));
        assert_ne!(hash(&["a", "b"]), hash(&["ab", ""]));
    }
}
