//! Why an order was not placed or changed, and how a client hears of it.

use actix_web::http::{StatusCode, header};
use platform::problem::FieldError;
use platform::{Problem, auth};
use ports::Failure;
use ports::products::Shortage;
use serde_json::json;
use uuid::Uuid;

use crate::order::Status;
use crate::request::CART_LINES_MOST;

#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("not enough stock")]
    InsufficientStock(Vec<Shortage>),
    #[error("unknown or inactive products")]
    UnknownProducts(Vec<Uuid>),
    #[error("the total does not fit")]
    TotalTooLarge,
    #[error("the idempotency key was used with another request")]
    KeyReused,
    #[error("the address is unknown, or somebody else's")]
    UnknownAddress,
    #[error("there is nothing in the cart")]
    EmptyCart,
    #[error("the cart changed while it was ordered")]
    CartChanged,
    #[error("products could not be asked")]
    Products(#[source] Failure),
    #[error("users could not be asked")]
    Users(#[source] Failure),
    #[error("the orders database failed")]
    Database(#[from] sqlx::Error),
    #[error("the account is deleted")]
    AccountDeleted,
    #[error("placing was interrupted")]
    Interrupted,
}

impl PlaceError {
    /// As who named these products in this order hears of it: at the first line that names one.
    pub fn at_lines(self, named: &[Uuid]) -> Problem {
        let Self::UnknownProducts(ids) = self else {
            return self.into();
        };
        let at = |id| named.iter().position(|named| *named == id);
        let mut lines: Vec<_> = ids.into_iter().map(|id| (at(id), id)).collect();
        lines.sort_unstable();
        unknown_products(lines.into_iter().map(|(line, id)| match line {
            Some(line) => (format!("items[{line}].product_id"), id),
            None => ("items".to_owned(), id),
        }))
    }
}

fn unknown_products(fields: impl Iterator<Item = (String, Uuid)>) -> Problem {
    let error = |(field, id)| FieldError::new(field, format!("product {id} is not sold"));
    Problem::unprocessable(
        "unknown_product",
        "Some products do not exist or are not sold.",
        fields.map(error).collect(),
    )
}

impl From<PlaceError> for Problem {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::InsufficientStock(short) => Problem::conflict(
                "insufficient_stock",
                "Some products are not available in the quantity asked for; see `products`.",
            )
            .with("products", json!(short)),
            PlaceError::UnknownProducts(ids) => {
                unknown_products(ids.into_iter().map(|id| ("items".to_owned(), id)))
            }
            PlaceError::TotalTooLarge => {
                Problem::invalid_field("items", "the total is too large to be charged")
            }
            PlaceError::KeyReused => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was used with another request; take a new one.",
            ),
            PlaceError::UnknownAddress => Problem::unprocessable(
                "unknown_address",
                "There is no such address in your address book.",
                vec![FieldError::new(
                    "shipping_address_id",
                    "is none of your addresses",
                )],
            ),
            PlaceError::EmptyCart => {
                Problem::conflict("empty_cart", "There is nothing in the cart to be ordered.")
            }
            PlaceError::CartChanged => Problem::conflict(
                "cart_changed",
                "The cart changed while it was ordered, again and again; nothing was ordered.",
            ),
            PlaceError::Products(failure) | PlaceError::Users(failure) => failure_problem(failure),
            PlaceError::Database(error) => error.into(),
            PlaceError::AccountDeleted => auth::invalid_token(),
            PlaceError::Interrupted => Problem::internal(),
        }
    }
}

/// Why a cart is not shown or not changed.
#[derive(Debug, thiserror::Error)]
pub enum CartError {
    #[error("the product is unknown or not sold")]
    UnknownProduct(Uuid),
    #[error("the line's total does not fit")]
    TotalTooLarge,
    #[error("the cart is full")]
    Full,
    #[error("products could not be asked")]
    Products(#[source] Failure),
    #[error("the orders database failed")]
    Database(#[from] sqlx::Error),
    #[error("the account is deleted")]
    AccountDeleted,
}

impl From<CartError> for Problem {
    fn from(error: CartError) -> Self {
        match error {
            CartError::UnknownProduct(id) => Problem::unprocessable(
                "unknown_product",
                "This product does not exist or is not sold.",
                vec![FieldError::new(
                    "product_id",
                    format!("product {id} is not sold"),
                )],
            ),
            CartError::TotalTooLarge => {
                Problem::invalid_field("quantity", "the line's total is too large to be charged")
            }
            CartError::Full => Problem::unprocessable(
                "cart_full",
                format!("A cart has at most {CART_LINES_MOST} lines."),
                vec![FieldError::new(
                    "product_id",
                    "there is no room for another",
                )],
            ),
            CartError::Products(failure) => failure_problem(failure),
            CartError::Database(error) => error.into(),
            CartError::AccountDeleted => auth::invalid_token(),
        }
    }
}

/// Why an order is not a step further.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("an order that is {} cannot be {}", from.as_str(), to.as_str())]
    OutOfOrder { from: Status, to: Status },
    #[error("products has not confirmed the stock")]
    StockUnconfirmed,
    #[error("products cannot confirm the stock")]
    EventParked,
    #[error("the orders database failed")]
    Database(#[from] sqlx::Error),
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::OutOfOrder { from, to } => {
                let code = match to {
                    Status::Cancelled => "not_cancellable",
                    _ => "invalid_transition",
                };
                Problem::conflict(code, format!("The order is {}.", from.as_str()))
            }
            ChangeError::StockUnconfirmed => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The stock of this order is not confirmed yet; try again shortly.",
            )
            .with_header(header::RETRY_AFTER, "1"),
            ChangeError::EventParked => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The stock of this order cannot be confirmed: its event is parked, and waits for an \
                 operator to replay it.",
            )
            .with_header(header::RETRY_AFTER, "60"),
            ChangeError::Database(error) => error.into(),
        }
    }
}

fn failure_problem(failure: Failure) -> Problem {
    match failure {
        Failure::Timeout | Failure::Unavailable => Problem::unavailable(),
        Failure::Internal => Problem::internal(),
    }
}
