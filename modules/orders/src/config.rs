use std::time::Duration;

use ports::Currency;

pub struct Config {
    /// What the shop sells in; the currency of every order.
    pub currency: Currency,
    /// Failed deliveries after which an event is parked.
    pub event_attempts: i32,
    /// How long an order may wait to be paid; without it, for ever.
    pub payment_window: Option<Duration>,
}
