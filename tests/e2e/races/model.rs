//! A small shop as arithmetic.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::support::Answer;

pub const PRODUCTS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Status {
    Placed,
    Paid,
    Shipped,
    Delivered,
    Cancelled,
}

impl Status {
    const REACHABLE: [Self; 4] = [Self::Paid, Self::Shipped, Self::Delivered, Self::Cancelled];

    pub fn verb(self) -> &'static str {
        match self {
            Self::Placed => "place",
            Self::Paid => "pay",
            Self::Shipped => "ship",
            Self::Delivered => "deliver",
            Self::Cancelled => "cancel",
        }
    }

    pub fn is_open(self) -> bool {
        self <= Self::Paid
    }

    /// What is reached already is asked for again in vain.
    fn may_become(self, to: Self) -> bool {
        match to {
            Self::Placed => false,
            Self::Paid => self <= to,
            Self::Shipped => matches!(self, Self::Paid | Self::Shipped),
            Self::Delivered => matches!(self, Self::Shipped | Self::Delivered),
            Self::Cancelled => self.is_open() || self == to,
        }
    }
}

#[derive(Debug)]
pub struct Order {
    pub basket: [i64; PRODUCTS],
    pub status: Status,
}

/// What a user may do to the shop, and what may happen to it.
#[derive(Clone, Debug)]
pub enum Step {
    /// Pieces of each product.
    Place {
        key: Option<u32>,
        basket: [i64; PRODUCTS],
    },
    /// `to` is where it is taken.
    Move {
        order: String,
        to: Status,
    },
    Adjust {
        product: usize,
        delta: i64,
    },
    /// A process dies between hold and order.
    Abandon {
        basket: [i64; PRODUCTS],
    },
}

pub struct Model {
    pub products: Vec<String>,
    pub on_hand: [i64; PRODUCTS],
    pub orders: BTreeMap<String, Order>,
}

impl Model {
    pub fn reserved(&self, product: usize) -> i64 {
        let open = self.open();
        open.map(|order| order.basket[product]).sum()
    }

    pub fn open(&self) -> impl Iterator<Item = &Order> {
        let orders = self.orders.values();
        orders.filter(|order| order.status.is_open())
    }

    pub fn random_step(&self, random: &mut StdRng) -> Step {
        let mut basket = [0; PRODUCTS];
        while basket == [0; PRODUCTS] {
            basket = std::array::from_fn(|_| random.random_range(0..4));
        }
        match random.random_range(0..10) {
            0..4 => {
                let key = random.random_bool(0.5).then(|| random.random_range(0..25));
                Step::Place { key, basket }
            }
            4..7 if !self.orders.is_empty() => {
                // The last ones, so that steps meet.
                let back = random.random_range(0..self.orders.len().min(8));
                let order = self.orders.keys().nth_back(back).unwrap().clone();
                let to = Status::REACHABLE[random.random_range(0..4)];
                Step::Move { order, to }
            }
            4..7 => Step::Place { key: None, basket },
            7..9 if random.random_bool(0.9) => Step::Adjust {
                product: random.random_range(0..PRODUCTS),
                delta: random.random_range(-6..8),
            },
            _ => Step::Abandon { basket },
        }
    }

    /// Steps that ran alone must have ended like this.
    pub fn predict(&self, step: &Step) -> Option<u16> {
        let free = |product| self.on_hand[product] - self.reserved(product);
        match step {
            Step::Place { key: None, basket } => {
                let enough = (0..PRODUCTS).all(|product| basket[product] <= free(product));
                Some(if enough { 201 } else { 409 })
            }
            Step::Move { order, to } => {
                let may = self.orders[order].status.may_become(*to);
                Some(if may { 200 } else { 409 })
            }
            Step::Adjust { delta: 0, .. } => Some(422),
            Step::Adjust { product, delta } => {
                Some(if free(*product) + delta < 0 { 409 } else { 200 })
            }
            Step::Place { .. } | Step::Abandon { .. } => None,
        }
    }

    pub fn learn(&mut self, step: &Step, answer: &Answer) {
        match (step, answer.status.as_u16()) {
            (Step::Place { basket, .. }, 201) => {
                let id = answer.json["id"].as_str().unwrap().to_owned();
                let order = Order {
                    basket: *basket,
                    status: Status::Placed,
                };
                self.orders.insert(id, order);
            }
            (Step::Move { order, to }, 200) => self.reach(order, *to),
            (Step::Move { .. }, 409) => {}
            (Step::Adjust { product, delta }, 200) => self.on_hand[*product] += delta,
            (Step::Place { .. }, 200) | (Step::Place { .. } | Step::Adjust { .. }, 409 | 422) => {}
            (step, _) => panic!("{step:?} ended with {answer:?}"),
        }
    }

    /// Steps that were taken together are learned in any order: the last one stays.
    fn reach(&mut self, id: &str, to: Status) {
        let order = self.orders.get_mut(id).unwrap();
        let before = order.status;
        if before >= to {
            let gone = matches!(to, Status::Shipped | Status::Delivered);
            assert!(!(gone && before == Status::Cancelled), "{order:?} {to:?}");
            return;
        }
        let left_house = matches!(before, Status::Shipped | Status::Delivered);
        order.status = to;
        match to {
            Status::Shipped | Status::Delivered if !left_house => {
                for (on_hand, quantity) in self.on_hand.iter_mut().zip(order.basket) {
                    *on_hand -= quantity;
                }
            }
            Status::Cancelled => assert!(!left_house, "{order:?} was cancelled"),
            _ => {}
        }
    }
}
