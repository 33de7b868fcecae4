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
    pub webhooks: WebhookRules,
}

/// Where webhooks may lead.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebhookRules {
    /// To addresses that are not everybody's, too.
    pub allow_private_addresses: bool,
    /// Not in clear text: a delivery holds what its customer told the shop.
    pub require_https: bool,
}
