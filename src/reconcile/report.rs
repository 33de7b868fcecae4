//! What was found.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::ask::Unasked;

/// Differences that a report keeps; it counts them all.
pub const KEPT_MOST: usize = 10_000;

/// What a run has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub checked: Checked,
    /// Orders whose events were on their way all the time, so that nothing can be said of them.
    pub in_flight: u64,
    /// The first ones, at most [`KEPT_MOST`].
    pub differences: Vec<Difference>,
    /// How many differences were found, repaired or not.
    pub total: u64,
    /// How many are still there.
    pub remaining: u64,
}

impl Report {
    pub fn add(&mut self, difference: Difference) {
        self.total += 1;
        self.remaining += u64::from(difference.repaired != Some(true));
        if self.differences.len() < KEPT_MOST {
            self.differences.push(difference);
        }
    }
}

/// A run that could not be ended, and what it has found until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{cause}")]
pub struct Unfinished {
    #[serde(flatten)]
    pub report: Report,
    #[serde(rename = "error", serialize_with = "as_text")]
    pub cause: Unasked,
}

fn as_text<S: Serializer>(cause: &Unasked, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(cause)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    pub orders: u64,
    /// Those that hold stock.
    pub reservations: u64,
    pub products: u64,
}

/// Two numbers, or words, that should be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Uuid>,
    /// The order's, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    pub expected: Figure,
    pub found: Figure,
    /// Whether it is gone; absent where nothing was to be repaired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<bool>,
    /// What it means, and what an operator can do.
    pub detail: String,
}

impl Difference {
    pub fn new(kind: Kind, expected: impl Into<Figure>, found: impl Into<Figure>) -> Self {
        Self {
            kind,
            order_id: None,
            number: None,
            reservation_id: None,
            product_id: None,
            sku: None,
            expected: expected.into(),
            found: found.into(),
            repaired: None,
            detail: kind.detail().to_owned(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.name())?;
        if let Some(id) = self.order_id {
            let number = self.number.as_deref().unwrap_or("?");
            write!(f, " order {number} ({id})")?;
        }
        if let Some(id) = self.reservation_id {
            write!(f, " reservation {id}")?;
        }
        if let Some(id) = self.product_id {
            let sku = self.sku.as_deref().unwrap_or("?");
            write!(f, " product {sku} ({id})")?;
        }
        let (expected, found) = (&self.expected, &self.found);
        write!(f, ": expected {expected}, found {found}; ")?;
        match self.repaired {
            Some(true) if self.detail == self.kind.detail() => write!(f, "repaired"),
            Some(true) => write!(f, "repaired: {}", self.detail),
            Some(false) => write!(f, "not repaired: {}", self.detail),
            None => write!(f, "{}", self.detail),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figure {
    Number(i64),
    Word(String),
}

impl From<i64> for Figure {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Figure {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl From<String> for Figure {
    fn from(word: String) -> Self {
        Self::Word(word)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => word.fmt(f),
        }
    }
}

/// How `--repair` goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Products is told again what became of the order.
    Retell,
    /// The hold is given back.
    Release,
    /// The stock's sums are written anew.
    Sum,
    /// Only a person can tell what is right.
    Person,
}

macro_rules! kinds {
    ($($kind:ident $name:literal $remedy:ident $detail:literal)+) => {
        /// What differs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $(#[doc = $detail] $kind,)+
        }

        const KINDS: &[(Kind, &str, Remedy, &str)] =
            &[$((Kind::$kind, $name, Remedy::$remedy, $detail),)+];
    };
}

kinds! {
    OrderTotal "order_total" Person
        "the order's total is not the sum of its lines: compare both with what was charged"
    OrderStatus "order_status" Person
        "the order's status is not the last of its history: somebody has written past the shop"
    OrderSteps "order_steps" Person
        "the order has lost or gained history: somebody has written past the shop"
    EventParked "event_parked" Person
        "events of the order wait for an operator, and what comes after them too: see why, then replay them (`cleave events`)"
    EventFailing "event_failing" Person
        "an event of the order has failed several times and is tried again, and what comes after it waits: see why (`cleave events`, and the log of products)"
    AllocationMissing "allocation_missing" Retell
        "an open order without its stock: --repair takes it again if there is enough"
    AllocationClosed "allocation_closed" Person
        "an open order whose reservation is closed, which never opens again: cancel the order, and place it anew"
    AllocationDiffers "allocation_differs" Person
        "an open order with more or less stock than it sold: cancel the order, and place it anew"
    AllocationOfAnother "allocation_of_another" Person
        "the order's reservation belongs to another order: cancel the order that is wrong"
    AllocationLeft "allocation_left" Retell
        "an order that is over still has stock: --repair tells products again that it is"
    ClosedAs "closed_as" Person
        "what became of the order's stock is not what its status says: count the products, and set what is on hand"
    AllocationWithoutOrder "allocation_without_order" Person
        "stock for an order that orders does not know: was the database of orders restored from a backup?"
    ClosedHoldsStock "closed_holds_stock" Person
        "a closed reservation has lines: somebody has written past the shop; delete them, then --repair"
    HoldOverdue "hold_overdue" Release
        "a hold should have expired: does an instance run that hosts products? --repair gives it back"
    Reserved "reserved" Sum
        "reserved is not the sum of the lines of reservations: --repair corrects it unless more would be reserved than is on hand"
    OnHand "on_hand" Sum
        "on hand is not the sum of its movements: --repair believes the count, and records a movement `reconciled`"
}

impl Kind {
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(kind, ..)| *kind)
    }

    fn row(self) -> &'static (Self, &'static str, Remedy, &'static str) {
        &KINDS[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.row().1
    }

    pub fn remedy(self) -> Remedy {
        self.row().2
    }

    /// Whether it is about what an order should hold, and does not.
    pub fn is_claim(self) -> bool {
        matches!(
            self,
            Self::AllocationMissing
                | Self::AllocationClosed
                | Self::AllocationDiffers
                | Self::AllocationOfAnother
                | Self::AllocationLeft
                | Self::AllocationWithoutOrder
        )
    }

    fn detail(self) -> &'static str {
        self.row().3
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row() {
        for (row, (kind, name, ..)) in KINDS.iter().enumerate() {
            assert_eq!(*kind as usize, row);
            assert_eq!(serde_json::to_value(kind).unwrap(), *name);
        }
    }

    #[test]
    fn a_report_keeps_the_first_and_counts_all() {
        let mut report = Report::default();
        for _ in 0..=KEPT_MOST {
            report.add(Difference::new(Kind::Reserved, 1, 2));
        }
        let mut mended = Difference::new(Kind::OnHand, 3, 4);
        mended.repaired = Some(true);
        report.add(mended);
        let all = KEPT_MOST as u64 + 2;
        assert_eq!(report.differences.len(), KEPT_MOST);
        assert_eq!((report.total, report.remaining), (all, all - 1));
    }
}
