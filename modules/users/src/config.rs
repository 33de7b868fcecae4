use std::time::Duration;

use platform::redis::Redis;
use platform::stream::Stream;

pub struct Config {
    /// Sign-ins tried within a minute, failed or not, for each pair of address and account; an
    /// address alone may do ten times as many, registrations included. Zero means no limit.
    pub login_per_minute: u32,
    /// Where such attempts are counted for all replicas together, if anywhere.
    pub redis: Option<Redis>,
    /// How long a refresh token is good for. Each refresh starts it anew.
    pub refresh_token_lifetime: Duration,
    /// Failed deliveries after which an event is parked.
    pub event_attempts: i32,
    /// Where every event goes besides, if anywhere.
    pub stream: Option<Stream>,
}
