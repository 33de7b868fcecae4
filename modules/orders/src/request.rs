//! What a user asks for, and the fingerprint by which the same request is known again.

use std::collections::BTreeMap;

use platform::Problem;
use ports::products::ReserveLine;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub const QUANTITY_MOST: i64 = 1_000_000;
/// As many as an order may have lines; the table of carts has so many slots.
pub const CART_LINES_MOST: usize = 100;

#[derive(Clone, Debug)]
pub struct Request {
    pub user_id: Uuid,
    /// Each product once, in id order.
    pub lines: Vec<ReserveLine>,
    pub source: Source,
    pub shipping_address_id: Option<Uuid>,
    pub note: Option<String>,
    pub idempotency_key: Option<String>,
}

/// Where the lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// They are part of the request.
    Body,
    /// They are whatever is in the cart: the revisions of its lines, beside `lines`.
    Cart { revisions: Vec<Uuid> },
}

impl Source {
    pub fn revisions(&self) -> &[Uuid] {
        match self {
            Self::Body => &[],
            Self::Cart { revisions } => revisions,
        }
    }
}

/// Names the reservations of requests that carry a key, so that a repeated one finds its hold.
const RESERVATIONS: Uuid = Uuid::from_u128(0x6d0c_5b1e_92a4_4f7b_8c35_1d7e_a0f9_42b6);

impl Request {
    /// SHA-256 of what was asked for, the same for the same request however it was written. Of a
    /// checkout it knows nothing of the lines: when it is repeated they have left the cart.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let from_cart = matches!(self.source, Source::Cart { .. });
        for line in self.lines.iter().filter(|_| !from_cart) {
            hash.update(line.product_id.as_bytes());
            hash.update(line.quantity.to_be_bytes());
        }
        let flags = [
            self.note.is_some(),
            self.shipping_address_id.is_some(),
            from_cart,
        ];
        let flags = flags
            .iter()
            .rev()
            .fold(0, |all, flag| all << 1 | u8::from(*flag));
        hash.update([flags]);
        if let Some(id) = self.shipping_address_id {
            hash.update(id.as_bytes());
        }
        hash.update(self.note.as_deref().unwrap_or_default());
        hash.finalize().into()
    }

    /// Derived from user, key and request when there is a key; otherwise new. That of a checkout
    /// is of these very lines: once one of them has left the cart, no order can come of it.
    pub fn reservation_id(&self, hash: &[u8]) -> Uuid {
        match &self.idempotency_key {
            None => Uuid::now_v7(),
            Some(key) => {
                let mut name = [self.user_id.as_bytes(), hash, key.as_bytes()].concat();
                for revision in self.source.revisions() {
                    name.extend_from_slice(revision.as_bytes());
                }
                Uuid::new_v5(&RESERVATIONS, &name)
            }
        }
    }
}

/// Adds up lines that name the same product.
pub fn merge_lines(
    lines: impl IntoIterator<Item = (Uuid, i64)>,
) -> Result<Vec<ReserveLine>, Problem> {
    let mut merged = BTreeMap::<Uuid, i64>::new();
    for (position, (product_id, quantity)) in lines.into_iter().enumerate() {
        let sum = merged.entry(product_id).or_default();
        *sum = sum.saturating_add(quantity);
        if *sum > QUANTITY_MOST {
            return Err(Problem::invalid_field(
                format!("items[{position}].quantity"),
                format!("all lines of a product together: at most {QUANTITY_MOST}"),
            ));
        }
    }
    Ok(merged
        .into_iter()
        .map(|(product_id, quantity)| ReserveLine {
            product_id,
            quantity,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lines: Vec<ReserveLine>, key: Option<&str>) -> Request {
        Request {
            user_id: Uuid::nil(),
            lines,
            source: Source::Body,
            shipping_address_id: None,
            note: None,
            idempotency_key: key.map(str::to_owned),
        }
    }

    #[test]
    fn requests_that_differ_have_different_hashes() {
        let plain = request(merge_lines([(Uuid::from_u128(1), 1)]).unwrap(), None);
        let noted = Request {
            note: Some(String::new()),
            ..plain.clone()
        };
        let sent = Request {
            shipping_address_id: Some(Uuid::nil()),
            ..plain.clone()
        };
        let sent_elsewhere = Request {
            shipping_address_id: Some(Uuid::max()),
            ..plain.clone()
        };
        let revisions = |n| vec![Uuid::from_u128(n)];
        let from_cart = |n| Request {
            source: Source::Cart {
                revisions: revisions(n),
            },
            ..plain.clone()
        };
        let all = [plain.clone(), noted, sent, sent_elsewhere, from_cart(1)];
        for (position, one) in all.iter().enumerate() {
            for other in &all[..position] {
                assert_ne!(one.hash(), other.hash(), "{one:?} {other:?}");
            }
        }
        let (one, other) = (from_cart(1), from_cart(2));
        assert_eq!(one.hash(), other.hash());
        let keyed = |request: Request| Request {
            idempotency_key: Some("k".to_owned()),
            ..request
        };
        let hash = one.hash();
        let (one, other) = (keyed(one), keyed(other));
        assert_ne!(one.reservation_id(&hash), other.reservation_id(&hash));
    }

    #[test]
    fn lines_of_one_product_are_one_line() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let merged = merge_lines([(b, 1), (a, 2), (b, 3)]).unwrap();
        let pairs: Vec<_> = merged.iter().map(|l| (l.product_id, l.quantity)).collect();
        assert_eq!(pairs, [(a, 2), (b, 4)]);
        assert!(merge_lines([(a, QUANTITY_MOST), (a, 1)]).is_err());
    }

    #[test]
    fn the_same_request_with_the_same_key_has_one_reservation() {
        let one = merge_lines([(Uuid::from_u128(1), 1)]).unwrap();
        let two = merge_lines([(Uuid::from_u128(1), 2)]).unwrap();
        let id = |lines: &Vec<ReserveLine>, key| {
            let request = request(lines.clone(), key);
            request.reservation_id(&request.hash())
        };
        assert_eq!(id(&one, Some("k")), id(&one, Some("k")));
        assert_ne!(id(&one, Some("k")), id(&two, Some("k")));
        assert_ne!(id(&one, Some("k")), id(&one, Some("l")));
        assert_ne!(id(&one, None), id(&one, None));
    }
}
