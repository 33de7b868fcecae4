use std::time::Duration;

use iso_currency::Currency;

use crate::MediaStore;

/// What the composition root tells the module.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long stock is held for an order that is being placed.
    pub hold_ttl: Duration,
    /// The shop's one currency.
    pub currency: Currency,
    /// The largest file to import, in bytes; 0 means no limit.
    pub import_bytes: u64,
    /// The largest picture to upload, in bytes; 0 means no limit.
    pub upload_bytes: usize,
    pub media: MediaStore,
}
