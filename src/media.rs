//! Where the bytes of pictures are, when products is in this program.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;

use crate::settings::Settings;

/// Where the bytes of pictures are.
#[derive(Clone)]
pub struct Media(#[cfg(feature = "products")] products::MediaStore);

impl Media {
    #[cfg(feature = "products")]
    pub fn of(products: &products::Module) -> Self {
        Self(products.media().clone())
    }

    /// As the settings say; `None` in a program without products.
    pub fn open(settings: &Settings) -> anyhow::Result<Option<Self>> {
        #[cfg(feature = "products")]
        return Ok(Some(Self(open(settings)?)));
        #[cfg(not(feature = "products"))]
        Ok(None)
    }

    /// How long it takes to ask, or why it cannot be asked.
    pub async fn look(&self) -> Result<Duration, String> {
        #[cfg(feature = "products")]
        return self.0.look().await.map_err(in_full);
        #[cfg(not(feature = "products"))]
        Ok(Duration::ZERO)
    }

    /// Whether it takes bytes and gives them back.
    pub async fn try_out(&self) -> Result<(), String> {
        #[cfg(feature = "products")]
        self.0.try_out().await.map_err(in_full)?;
        Ok(())
    }
}

#[cfg(feature = "products")]
fn in_full(error: products::StoreError) -> String {
    // What is further down a store's error says already.
    match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Where pictures are kept; nobody is asked yet.
#[cfg(feature = "products")]
pub fn open(settings: &Settings) -> anyhow::Result<products::MediaStore> {
    let opened = match &settings.media.url {
        None => products::MediaStore::in_folder(&settings.media_dir()).map_err(Into::into),
        Some(url) => open_at(url.expose_secret()),
    };
    opened.context("media.url")
}

#[cfg(feature = "products")]
fn open_at(url: &str) -> anyhow::Result<products::MediaStore> {
    Ok(products::MediaStore::open(&url.parse()?, store_options())?)
}

/// Whether pictures could be kept there; nobody is asked.
pub fn check(url: &str) -> anyhow::Result<()> {
    #[cfg(feature = "products")]
    open_at(url)?;
    Ok(())
}

/// What the stores' own tools read too: keys, region, endpoint.
#[cfg(feature = "products")]
fn store_options() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let of_a_store = |(name, _): &(String, String)| {
        let prefixes = ["AWS_", "AZURE_", "GOOGLE_"];
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    std::env::vars_os().filter_map(text).filter(of_a_store)
}
