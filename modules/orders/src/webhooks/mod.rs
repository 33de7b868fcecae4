//! What happens to orders, told to the operators' other systems: signed by Standard Webhooks 1.0,
//! at least once, in no order; see docs/webhooks.md.
//!
//! Whom to tell is written by the statement that changes an order. From there on the deliveries are
//! a queue for each webhook in the database: claimed with a lease, sent outside of any transaction,
//! and put off or ended by what came of it. Any number of replicas may send.

mod address;
mod claim;
mod courier;
mod event;
mod guard;
mod log;
mod outcome;
mod payload;
mod schedule;
mod secret;
mod send;
mod store;
mod sweep;

use tokio::sync::Notify;

pub use event::EventType;
pub use log::{Delivery, deliveries};
pub use store::{CreatedWebhook, NewWebhook, Webhook, by_id, create, delete, list};

use crate::config::WebhookRules;
use guard::Guard;
use send::Sender;

pub use guard::URL_MOST;

/// What the module has at hand for its webhooks.
pub struct Webhooks {
    pub guard: Guard,
    sender: Sender,
    /// There is one more.
    pub made: Notify,
}

impl Webhooks {
    pub fn new(rules: WebhookRules) -> Self {
        let guard = Guard::new(rules);
        Self {
            sender: Sender::new(guard.clone()),
            guard,
            made: Notify::new(),
        }
    }
}
