use iso_currency::Currency;
use serde::{Deserialize, Serialize};

/// An amount of money: integer minor units (cents for `EUR`) and an ISO 4217 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub amount: i64,
    pub currency: Currency,
}

impl Money {
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The price of `quantity` pieces; `None` when it does not fit 64 bits.
    pub fn times(self, quantity: i64) -> Option<Self> {
        Some(Self::new(self.amount.checked_mul(quantity)?, self.currency))
    }

    /// The sum; `None` when it does not fit 64 bits or the currencies differ.
    pub fn plus(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self::new(
            self.amount.checked_add(other.amount)?,
            self.currency,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_integer_minor_units_and_a_code_on_the_wire() {
        let price = Money::new(1999, Currency::EUR);
        let json = r#"{"amount":1999,"currency":"EUR"}"#;
        assert_eq!(serde_json::to_string(&price).unwrap(), json);
        assert_eq!(serde_json::from_str::<Money>(json).unwrap(), price);
        assert!(serde_json::from_str::<Money>(r#"{"amount":19.99,"currency":"EUR"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":1,"currency":"EURO"}"#).is_err());
    }

    #[test]
    fn never_overflows_in_silence() {
        let most = Money::new(i64::MAX, Currency::EUR);
        assert_eq!(most.times(2), None);
        assert_eq!(most.plus(Money::new(1, Currency::EUR)), None);
        assert_eq!(
            Money::new(1, Currency::EUR).plus(Money::new(1, Currency::USD)),
            None
        );
    }
}
