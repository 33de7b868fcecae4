use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::media::images::StoredImage;
use crate::words;

/// A thing that is sold. Variants of one thing share a `handle` and differ in `attributes`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Product {
    pub(crate) id: Uuid,
    #[schema(example = "CANDLE-VANILLA-L")]
    pub(crate) sku: String,
    #[schema(example = "Vanilla candle")]
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) price: Money,
    #[schema(required)]
    pub(crate) category_id: Option<Uuid>,
    #[schema(required, example = "vanilla-candle")]
    pub(crate) handle: Option<String>,
    #[schema(example = json!({"size": "large"}))]
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) images: Vec<Image>,
    pub(crate) stock: Stock,
    pub(crate) is_active: bool,
    #[serde(with = "platform::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When anything but the stock changed last.
    #[serde(with = "platform::rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
}

/// What is written of a product; it keeps the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) price: Money,
    pub(crate) category_id: Option<Uuid>,
    pub(crate) handle: Option<String>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) is_active: bool,
}

impl Product {
    pub(crate) fn fields(&self) -> Fields {
        Fields {
            sku: self.sku.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            price: self.price.clone(),
            category_id: self.category_id,
            handle: self.handle.clone(),
            attributes: self.attributes.clone(),
            is_active: self.is_active,
        }
    }
}

impl Fields {
    /// What it is searched by.
    pub(crate) fn words(&self) -> String {
        words::document(&self.sku, &self.name, &self.attributes, &self.description)
    }
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Money {
    /// Integer minor units: cents for `EUR`.
    #[schema(minimum = 0, example = 1999)]
    pub(crate) amount: i64,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    pub(crate) currency: String,
}

/// Pieces; `available` is `on_hand` less `reserved`, and never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Stock {
    #[schema(minimum = 0, example = 10)]
    pub(crate) on_hand: i64,
    /// Held for orders that are being placed, or belonging to open ones.
    #[schema(minimum = 0, example = 3)]
    pub(crate) reserved: i64,
    #[schema(minimum = 0, example = 7)]
    pub(crate) available: i64,
}

impl Stock {
    pub(crate) fn new(on_hand: i64, reserved: i64) -> Self {
        Self {
            on_hand,
            reserved,
            available: on_hand - reserved,
        }
    }
}

/// A picture of a product.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Image {
    pub(crate) id: Uuid,
    /// Path below the shop's address.
    #[schema(example = "/api/v1/media/0197f2f0a1b07c3e9d2b4c5d6e7f8091.jpg")]
    pub(crate) url: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) alt: String,
}

/// A product with its stock, as every statement of this module selects it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ProductRow {
    pub(crate) id: Uuid,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) price_minor: i64,
    pub(crate) currency: String,
    pub(crate) category_id: Option<Uuid>,
    pub(crate) handle: Option<String>,
    pub(crate) attributes: Json<BTreeMap<String, String>>,
    pub(crate) images: Json<Vec<StoredImage>>,
    pub(crate) is_active: bool,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

impl From<ProductRow> for Product {
    fn from(row: ProductRow) -> Self {
        Self {
            id: row.id,
            sku: row.sku,
            name: row.name,
            description: row.description,
            price: Money {
                amount: row.price_minor,
                currency: row.currency,
            },
            category_id: row.category_id,
            handle: row.handle,
            attributes: row.attributes.0,
            images: row.images.0.into_iter().map(Image::from).collect(),
            stock: Stock::new(row.on_hand, row.reserved),
            is_active: row.is_active,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
