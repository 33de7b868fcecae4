//! The words of this module.

use ports::Money;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::OrderKey;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Order {
    pub id: Uuid,
    /// For people: short, unique, and telling nothing about how many orders there are.
    #[schema(example = "7KQ2-M4XD")]
    pub number: String,
    pub user_id: Uuid,
    pub status: Status,
    pub items: Vec<Item>,
    #[schema(value_type = MoneySchema)]
    pub total: Money,
    /// Where it goes: the address as it was when the order was placed.
    #[schema(required)]
    pub shipping_address: Option<ShippingAddress>,
    #[schema(required)]
    pub note: Option<String>,
    #[serde(with = "platform::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "platform::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Oldest first.
    pub history: Vec<Step>,
    /// Under which products knows it.
    #[serde(skip)]
    pub reservation_id: Uuid,
}

impl Order {
    pub fn key(&self) -> OrderKey {
        OrderKey {
            id: self.id,
            reservation_id: self.reservation_id,
        }
    }
}

/// A line as it was sold: later changes of the product do not reach it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Item {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    pub quantity: i64,
    #[schema(value_type = MoneySchema)]
    pub unit_price: Money,
    #[schema(value_type = MoneySchema)]
    pub line_total: Money,
}

/// Later changes of the address do not reach it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShippingAddress {
    /// Which address of the customer's it was taken from.
    pub id: Uuid,
    pub name: String,
    pub line1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    pub city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "DE")]
    pub country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl From<ports::users::Address> for ShippingAddress {
    fn from(address: ports::users::Address) -> Self {
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
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Step {
    pub status: Status,
    #[serde(with = "platform::rfc3339")]
    pub at: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the step is known by elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// `placed → paid → shipped → delivered`; `cancelled` from `placed` or `paid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Placed,
    Paid,
    Shipped,
    Delivered,
    Cancelled,
}

/// As in the database and on the wire, and where each status may come from.
const STATUSES: [(Status, &str, &[Status]); 5] = [
    (Status::Placed, "placed", &[]),
    (Status::Paid, "paid", &[Status::Placed]),
    (Status::Shipped, "shipped", &[Status::Paid]),
    (Status::Delivered, "delivered", &[Status::Shipped]),
    (
        Status::Cancelled,
        "cancelled",
        &[Status::Placed, Status::Paid],
    ),
];

impl Status {
    fn row(self) -> &'static (Self, &'static str, &'static [Self]) {
        &STATUSES[self as usize]
    }

    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    pub fn predecessors(self) -> &'static [Self] {
        self.row().2
    }

    /// Whether nothing comes after it.
    pub fn is_final(self) -> bool {
        !STATUSES.iter().any(|(_, _, from)| from.contains(&self))
    }

    /// Whether products has something to do when an order comes to it later in its life.
    pub fn moves_stock(self) -> bool {
        matches!(self, Self::Shipped | Self::Cancelled)
    }
}

impl TryFrom<String> for Status {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let row = STATUSES.iter().find(|(_, word, _)| *word == text);
        row.map(|(status, ..)| *status)
            .ok_or_else(|| format!("{text:?} is no order status"))
    }
}

/// Why the shop itself cancels an order.
pub const OUT_OF_STOCK: &str = "out_of_stock";
pub const PAYMENT_WINDOW_EXPIRED: &str = "payment_window_expired";
/// Reasons that tell of nobody.
pub const OWN_REASONS: [&str; 2] = [OUT_OF_STOCK, PAYMENT_WINDOW_EXPIRED];

/// [`Money`] in the OpenAPI document.
#[derive(ToSchema)]
#[schema(as = Money)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct MoneySchema {
    /// Integer minor units.
    #[schema(example = 1999)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}

/// The length of an order number without its dash.
const NUMBER_LENGTH: usize = 8;
/// Crockford's base 32: no I, L, O, U, so that it can be read out on the telephone.
const NUMBER_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A random order number: 40 bits, so a collision is rare, and the database notices it.
pub fn random_number() -> String {
    let mut number = String::with_capacity(NUMBER_LENGTH + 1);
    for position in 0..NUMBER_LENGTH {
        if position == NUMBER_LENGTH / 2 {
            number.push('-');
        }
        let index = rand::random_range(0..NUMBER_ALPHABET.len());
        number.push(char::from(NUMBER_ALPHABET[index]));
    }
    number
}

/// An order number as people write it down: in any case, with or without the dash, O for 0, and I
/// or L for 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct WrittenNumber(pub String);

impl TryFrom<String> for WrittenNumber {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let kept = text.chars().filter(|c| !matches!(c, '-' | ' '));
        let digits: Vec<char> = kept
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            })
            .collect();
        let known = |c: &char| NUMBER_ALPHABET.iter().any(|of| char::from(*of) == *c);
        if digits.len() != NUMBER_LENGTH || !digits.iter().all(known) {
            return Err("must be an order number, such as 7KQ2-M4XD");
        }
        let (front, back) = digits.split_at(NUMBER_LENGTH / 2);
        Ok(Self(format!(
            "{}-{}",
            front.iter().collect::<String>(),
            back.iter().collect::<String>()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_row() {
        for (row, (status, word, _)) in STATUSES.iter().enumerate() {
            assert_eq!(*status as usize, row);
            assert_eq!(Status::try_from((*word).to_owned()), Ok(*status));
            assert_eq!(serde_json::to_value(status).unwrap(), *word);
        }
        assert!(Status::try_from("gone".to_owned()).is_err());
    }

    #[test]
    fn a_number_can_be_read_out() {
        let number = random_number();
        assert_eq!(number.len(), 9);
        assert_eq!(number.find('-'), Some(4));
    }

    #[test]
    fn a_number_is_known_again_however_it_is_written() {
        let read = |text: &str| WrittenNumber::try_from(text.to_owned()).ok().map(|n| n.0);
        for written in ["70Q1-M4X1", "70q1m4x1", "7oqi m4xL"] {
            assert_eq!(read(written).as_deref(), Some("70Q1-M4X1"), "{written}");
        }
        for wrong in ["", "70Q1-M4X", "70Q1-M4X11", "70Q1-M4XU", "70Q1-M4Xé"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let number = random_number();
        assert_eq!(read(&number), Some(number));
    }

    #[test]
    fn what_is_delivered_or_cancelled_is_at_its_end() {
        let last: Vec<_> = STATUSES
            .iter()
            .filter(|(status, ..)| status.is_final())
            .collect();
        let last: Vec<&str> = last.iter().map(|(_, word, _)| *word).collect();
        assert_eq!(last, ["delivered", "cancelled"]);
    }
}
