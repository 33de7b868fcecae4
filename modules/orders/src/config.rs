use std::time::Duration;

use platform::stream::Stream;
use ports::Currency;

pub struct Config {
    /// What the shop sells in; the currency of every order.
    pub currency: Currency,
    /// Failed deliveries after which an event is parked.
    pub event_attempts: i32,
    /// How long an order may wait to be paid; without it, for ever.
    pub payment_window: Option<Duration>,
    /// Where every event goes besides, if anywhere.
    pub stream: Option<Stream>,
}
