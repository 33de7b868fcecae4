//! What clients write of a product.

use std::collections::BTreeMap;

use garde::Validate;
use iso_currency::Currency;
use platform::Problem;
use platform::merge_patch::present;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use super::stock::StockLevel;
use crate::catalogue::product::{Fields, Money, Product};
use crate::catalogue::rules;

/// Bodies with the same fields: serde cannot take fields from another struct and refuse unknown
/// ones too.
macro_rules! product_body {
    ($(#[$doc:meta])* $name:ident { $($more:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, Validate, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// Unique, also among inactive products.
            #[garde(custom(by(rules::check_sku)))]
            #[schema(min_length = 1, max_length = 100, example = "CANDLE-VANILLA-L")]
            sku: String,
            #[garde(custom(by(rules::check_name)))]
            #[schema(min_length = 1, max_length = 300, example = "Vanilla candle")]
            name: String,
            #[garde(length(chars, max = rules::DESCRIPTION_CHARS))]
            #[serde(default)]
            #[schema(max_length = 50_000)]
            description: String,
            #[garde(dive)]
            price: Price,
            #[garde(skip)]
            #[serde(default, with = "uuid::serde::hyphenated::option")]
            category_id: Option<Uuid>,
            /// What variants of one thing share: letters, digits, `-`, `_` and `.`.
            #[garde(inner(custom(by(rules::check_handle))))]
            #[schema(min_length = 1, max_length = 200, example = "vanilla-candle")]
            handle: Option<String>,
            #[garde(custom(by(rules::check_attributes)))]
            #[serde(default)]
            #[schema(schema_with = attributes)]
            attributes: BTreeMap<String, String>,
            #[garde(skip)]
            #[serde(default = "active")]
            #[schema(default = true)]
            is_active: bool,
            $($more)*
        }

        impl $name {
            /// In the shop's currency, or 422.
            pub(super) fn fields(self, shop: Currency) -> Result<Fields, Problem> {
                Ok(Fields {
                    sku: self.sku,
                    name: self.name,
                    description: self.description,
                    price: self.price.in_currency(shop)?,
                    category_id: self.category_id,
                    handle: self.handle,
                    attributes: self.attributes,
                    is_active: self.is_active,
                })
            }
        }
    };
}

product_body!(
    /// A product to be. What is left out has its default.
    NewProduct {
        #[garde(dive)]
        pub(super) stock: Option<StockLevel>,
    }
);

product_body!(
    /// A product as it shall be, but for stock and images. What is left out has its default.
    #[derive(Clone, Serialize)]
    ProductBody {}
);

/// What shall be different (JSON Merge Patch, RFC 7396). What is left out stays as it is; what is
/// `null` returns to its default, and an attribute that is `null` is removed.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[expect(
    dead_code,
    reason = "tells a patch's shape; what counts is the product that it makes"
)]
pub(super) struct ProductPatch {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    sku: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300)]
    name: Option<String>,
    /// `null`: empty.
    #[schema(max_length = 50_000)]
    description: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = PricePatch, required = false)]
    price: Option<PricePatch>,
    /// `null`: in none.
    #[serde(default, with = "uuid::serde::hyphenated::option")]
    category_id: Option<Uuid>,
    /// `null`: none.
    #[schema(min_length = 1, max_length = 200)]
    handle: Option<String>,
    /// `null`: none.
    #[schema(
        example = json!({"size": "small", "colour": null})
    )]
    attributes: Option<BTreeMap<String, Option<String>>>,
    /// `null`: true.
    is_active: Option<bool>,
}

/// A price that shall be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as of `ProductPatch`")]
struct PricePatch {
    #[serde(default, deserialize_with = "present")]
    #[schema(
        value_type = i64,
        required = false,
        minimum = 0,
        maximum = 1_000_000_000_000_i64,
        example = 1999
    )]
    amount: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, example = "EUR")]
    currency: Option<Currency>,
}

/// A price, in the shop's currency.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    /// Integer minor units: cents for `EUR`.
    #[garde(range(min = 0, max = rules::MOST))]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 1999)]
    amount: i64,
    /// ISO 4217 code.
    #[garde(skip)]
    #[schema(value_type = String, example = "EUR")]
    currency: Currency,
}

impl Price {
    fn in_currency(self, shop: Currency) -> Result<Money, Problem> {
        if self.currency != shop {
            let message = format!("must be the shop's currency, {}", shop.code());
            return Err(Problem::invalid_field("price.currency", message));
        }
        Ok(Money {
            amount: self.amount,
            currency: shop.code().to_owned(),
        })
    }
}

impl ProductBody {
    /// `None` when its price is in no currency that is known.
    pub(super) fn of(product: &Product) -> Option<Self> {
        let fields = product.fields();
        Some(Self {
            sku: fields.sku,
            name: fields.name,
            description: fields.description,
            price: Price {
                amount: fields.price.amount,
                currency: Currency::from_code(&fields.price.currency)?,
            },
            category_id: fields.category_id,
            handle: fields.handle,
            attributes: fields.attributes,
            is_active: fields.is_active,
        })
    }
}

fn attributes() -> Object {
    let text = |least, most| {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.min_length(least).max_length(Some(most))
    };
    ObjectBuilder::new()
        .max_properties(Some(rules::ATTRIBUTES))
        .property_names(Some(text(Some(1), rules::ATTRIBUTE_NAME_CHARS)))
        .additional_properties(Some(text(None, rules::ATTRIBUTE_VALUE_CHARS)))
        .examples([json!({"size": "large"})])
        .build()
}

fn active() -> bool {
    true
}

/// A rule as garde takes it.
pub(super) fn by<T: ?Sized>(
    rule: impl Fn(&T) -> Result<(), String>,
) -> impl Fn(&T, &()) -> garde::Result {
    move |value, ()| rule(value).map_err(garde::Error::new)
}
