use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a webhook can tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum EventType {
    #[serde(rename = "order.placed")]
    Placed,
    #[serde(rename = "order.paid")]
    Paid,
    #[serde(rename = "order.shipped")]
    Shipped,
    #[serde(rename = "order.delivered")]
    Delivered,
    #[serde(rename = "order.cancelled")]
    Cancelled,
}

/// As in the database and on the wire.
const WORDS: [(EventType, &str); 5] = [
    (EventType::Placed, "order.placed"),
    (EventType::Paid, "order.paid"),
    (EventType::Shipped, "order.shipped"),
    (EventType::Delivered, "order.delivered"),
    (EventType::Cancelled, "order.cancelled"),
];

impl EventType {
    pub fn as_str(self) -> &'static str {
        WORDS[self as usize].1
    }

    pub fn from_database(text: &str) -> Result<Self, sqlx::Error> {
        let row = WORDS.iter().find(|(_, word)| *word == text);
        row.map(|(event, _)| *event)
            .ok_or_else(|| sqlx::Error::Decode(format!("{text:?} is no event").into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Status;

    #[test]
    fn every_event_has_its_word_which_is_that_of_a_status() {
        for (row, (event, word)) in WORDS.iter().enumerate() {
            assert_eq!(*event as usize, row);
            assert_eq!(EventType::from_database(word).unwrap(), *event);
            assert_eq!(serde_json::to_value(event).unwrap(), *word);
            let status = word.strip_prefix("order.").unwrap();
            assert!(Status::try_from(status.to_owned()).is_ok());
        }
        assert!(EventType::from_database("order.lost").is_err());
    }
}
