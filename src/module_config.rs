//! What the settings mean to each module.

use crate::connections;
#[cfg(feature = "products")]
use crate::media;
use crate::settings::{Environment, Module, Settings};

#[cfg(feature = "users")]
pub fn users(settings: &Settings) -> anyhow::Result<users::Config> {
    Ok(users::Config {
        refresh_token_lifetime: settings.auth.refresh_token,
        login_per_minute: settings.limits.login_per_minute.map_or(0, Into::into),
        redis: connections::redis(settings, Module::Users)?,
        event_attempts: event_attempts(settings),
        stream: connections::stream(settings)?,
    })
}

#[cfg(feature = "products")]
pub fn products(settings: &Settings) -> anyhow::Result<products::Config> {
    Ok(products::Config {
        hold_ttl: settings.modules.products.hold_ttl,
        currency: settings.store.currency,
        import_bytes: settings
            .limits
            .import_bytes
            .map_or(0, |bytes| bytes.get() as u64),
        upload_bytes: settings.limits.upload_bytes.map_or(0, Into::into),
        media: media::open(settings)?,
    })
}

#[cfg(feature = "orders")]
pub fn orders(settings: &Settings) -> anyhow::Result<orders::Config> {
    let window = settings.modules.orders.payment_window;
    Ok(orders::Config {
        currency: settings.store.currency,
        event_attempts: event_attempts(settings),
        payment_window: (!window.is_zero()).then_some(window),
        stream: connections::stream(settings)?,
        webhooks: webhook_rules(settings),
    })
}

#[cfg(feature = "orders")]
fn webhook_rules(settings: &Settings) -> orders::WebhookRules {
    let allow_private_addresses = settings.webhooks.allow_private_addresses;
    let production = settings.environment == Environment::Production;
    orders::WebhookRules {
        allow_private_addresses,
        require_https: production && !allow_private_addresses,
    }
}

fn event_attempts(settings: &Settings) -> i32 {
    i32::try_from(settings.events.max_attempts).unwrap_or(i32::MAX)
}
