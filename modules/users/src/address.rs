//! Where somebody's things go.

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::country;

/// How many an account may have.
pub(crate) const MOST: i64 = 100;

/// An address in the account's book.
#[derive(Debug, Serialize, ToSchema)]
pub struct Address {
    pub id: Uuid,
    #[schema(example = "Anna Schmidt")]
    pub name: String,
    #[schema(example = "Unter den Linden 1")]
    pub line1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    #[schema(example = "Berlin")]
    pub city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[schema(example = "10117")]
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "DE")]
    pub country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Of an account's addresses, one is.
    pub is_default: bool,
}

/// An address as its owner writes it.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAddress {
    /// Who lives there. Not blank, as are the other lines that must be there.
    #[garde(custom(line))]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Anna Schmidt"
    )]
    pub(crate) name: String,
    #[garde(custom(line))]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Unter den Linden 1"
    )]
    pub(crate) line1: String,
    /// Blank is as good as absent here.
    #[garde(inner(length(chars, max = 200)))]
    #[schema(max_length = 200)]
    pub(crate) line2: Option<String>,
    #[garde(custom(line))]
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Berlin")]
    pub(crate) city: String,
    /// State, province or the like.
    #[garde(inner(length(chars, max = 200)))]
    #[schema(max_length = 200)]
    pub(crate) region: Option<String>,
    #[garde(custom(short_line))]
    #[schema(min_length = 1, max_length = 20, pattern = r"\S", example = "10117")]
    pub(crate) postal_code: String,
    #[garde(custom(assigned))]
    #[schema(schema_with = country::schema)]
    pub(crate) country: String,
    #[garde(inner(length(chars, max = 40)))]
    #[schema(max_length = 40, example = "+49 30 901820")]
    pub(crate) phone: Option<String>,
    /// Makes it the default instead of the one that was. The first address is it anyhow, and the
    /// default one stays it until another takes its place.
    #[garde(skip)]
    #[serde(default)]
    #[schema(default = false)]
    pub(crate) is_default: bool,
}

impl NewAddress {
    /// What is blank and need not be there is not there.
    pub(crate) fn without_blanks(mut self) -> Self {
        for optional in [&mut self.line2, &mut self.region, &mut self.phone] {
            optional.take_if(|text| text.trim().is_empty());
        }
        self
    }

    pub(crate) fn kept_as(self, id: Uuid, is_default: bool) -> Address {
        Address {
            id,
            name: self.name,
            line1: self.line1,
            line2: self.line2,
            city: self.city,
            region: self.region,
            postal_code: self.postal_code,
            country: self.country,
            phone: self.phone,
            is_default,
        }
    }
}

fn line<C>(text: &str, _: &C) -> garde::Result {
    check(text, 200)
}

fn short_line<C>(text: &str, _: &C) -> garde::Result {
    check(text, 20)
}

fn check(text: &str, most: usize) -> garde::Result {
    if text.trim().is_empty() {
        return Err(garde::Error::new("must not be blank"));
    }
    match text.chars().count() <= most {
        true => Ok(()),
        false => Err(garde::Error::new(format!(
            "must have at most {most} characters"
        ))),
    }
}

fn assigned<C>(code: &str, _: &C) -> garde::Result {
    match country::is_assigned(code) {
        true => Ok(()),
        false => Err(garde::Error::new(
            "must be a country's code by ISO 3166-1 alpha-2, such as DE",
        )),
    }
}

impl From<Address> for ports::users::Address {
    fn from(address: Address) -> Self {
        Self {
            id: address.id,
            name: address.name,
            line1: address.line1,
            line2: address.line2,
            city: address.city,
            region: address.region,
            postal_code: address.postal_code,
            country: address.country,
            phone: address.phone,
            is_default: address.is_default,
        }
    }
}
