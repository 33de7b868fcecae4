//! How often a sign-in or a registration may be tried.

mod shared;

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota};
use platform::client::network;
use platform::redis::Redis;

use self::shared::Shared;

/// What an address may do, as a multiple of what a pair of address and account may.
const ADDRESS_FACTOR: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Keys at rest are forgotten once in so many checks, which bounds the memory by the checks of
/// about a minute.
const CHECKS_PER_CLEANING: u32 = 4096;

/// Generic cell rate: a minute's worth at once, then evenly. With a Redis it holds for all replicas
/// together; while that is away, for each by itself.
pub(crate) struct LoginLimit(Option<Limits>);

struct Limits {
    here: Limiters,
    everywhere: Option<Shared>,
}

struct Limiters {
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    by_account: DefaultKeyedRateLimiter<(IpAddr, u64)>,
    accounts: RandomState,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl LoginLimit {
    /// Zero means no limit.
    pub(crate) fn per_minute(attempts: u32, redis: Option<Redis>) -> Self {
        Self(NonZeroU32::new(attempts).map(|attempts| Limits {
            here: Limiters::per_minute(attempts),
            everywhere: redis.map(|redis| Shared::per_minute(attempts, redis)),
        }))
    }

    /// Counts an attempt; when it is one too many, says how long to wait.
    pub(crate) async fn check(&self, address: IpAddr, account: &str) -> Result<(), Duration> {
        self.count(address, Some(account)).await
    }

    /// As [`Self::check`], for what concerns no account yet.
    pub(crate) async fn check_address(&self, address: IpAddr) -> Result<(), Duration> {
        self.count(address, None).await
    }

    async fn count(&self, address: IpAddr, account: Option<&str>) -> Result<(), Duration> {
        let Some(limits) = &self.0 else {
            return Ok(());
        };
        let address = network(address);
        let everywhere = match &limits.everywhere {
            Some(shared) => shared.check(address, account).await,
            None => None,
        };
        match everywhere {
            Some(Err(wait)) => Err(wait),
            Some(Ok(())) => {
                // Known here too, for when Redis is away.
                let _ = limits.here.check(address, account);
                Ok(())
            }
            None => limits.here.check(address, account),
        }
    }
}

impl Limiters {
    fn per_minute(attempts: NonZeroU32) -> Self {
        let of_address = attempts.saturating_mul(ADDRESS_FACTOR);
        Self {
            by_address: DefaultKeyedRateLimiter::keyed(Quota::per_minute(of_address)),
            by_account: DefaultKeyedRateLimiter::keyed(Quota::per_minute(attempts)),
            accounts: RandomState::new(),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        }
    }

    fn check(&self, address: IpAddr, account: Option<&str>) -> Result<(), Duration> {
        self.check_address(address)?;
        let Some(account) = account else {
            return Ok(());
        };
        let account = self.accounts.hash_one(account);
        self.by_account
            .check_key(&(address, account))
            .map_err(|refusal| self.wait(&refusal))
    }

    fn check_address(&self, address: IpAddr) -> Result<(), Duration> {
        let checks = self.checks.fetch_add(1, Ordering::Relaxed);
        if checks.is_multiple_of(CHECKS_PER_CLEANING) {
            self.clean();
        }
        self.by_address
            .check_key(&address)
            .map_err(|refusal| self.wait(&refusal))
    }

    fn wait(&self, refusal: &NotUntil<<DefaultClock as Clock>::Instant>) -> Duration {
        refusal.wait_time_from(self.clock.now())
    }

    fn clean(&self) {
        self.by_address.retain_recent();
        self.by_address.shrink_to_fit();
        self.by_account.retain_recent();
        self.by_account.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// In this process alone.
    struct Here(LoginLimit);

    impl Here {
        fn per_minute(attempts: u32) -> Self {
            Self(LoginLimit::per_minute(attempts, None))
        }

        fn check(&self, address: IpAddr, account: &str) -> Result<(), Duration> {
            let checked = self.0.check(address, account).now_or_never();
            checked.expect("nobody is waited for")
        }

        fn check_address(&self, address: IpAddr) -> Result<(), Duration> {
            let checked = self.0.check_address(address).now_or_never();
            checked.expect("nobody is waited for")
        }
    }

    #[test]
    fn limits_a_pair_and_then_the_address() {
        let limit = Here::per_minute(2);
        let here = address("192.0.2.1");
        assert!(limit.check(here, "a").is_ok());
        assert!(limit.check(here, "a").is_ok());
        let wait = limit.check(here, "a").unwrap_err();
        assert!(wait > Duration::from_secs(25) && wait <= Duration::from_secs(30));
        for n in 0..17 {
            assert!(limit.check(here, &n.to_string()).is_ok(), "{n}");
        }
        assert!(limit.check(here, "another").is_err());
        assert!(limit.check(address("192.0.2.2"), "a").is_ok());
    }

    #[test]
    fn what_concerns_no_account_counts_for_the_address() {
        let limit = Here::per_minute(2);
        let here = address("2001:db8::1");
        assert!((0..20).all(|_| limit.check_address(here).is_ok()));
        let neighbour = address("2001:db8::2");
        let wait = limit.check_address(neighbour).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(3));
        assert!(limit.check(neighbour, "a").is_err());
        assert!(limit.check_address(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = Here::per_minute(0);
        assert!((0..100).all(|_| limit.check(address("::1"), "a").is_ok()));
        assert!((0..100).all(|_| limit.check_address(address("::1")).is_ok()));
    }
}
