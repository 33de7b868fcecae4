//! A small shop as arithmetic.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::support::Answer;

pub const PRODUCTS: usize = 3;

/// What a user may do to the shop, and what may happen to it.
#[derive(Clone, Debug)]
pub enum Step {
    /// Pieces of each product.
    Place {
        key: Option<u32>,
        basket: [i64; PRODUCTS],
    },
    Cancel {
        order: String,
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
    /// Open orders and what they hold.
    pub open: BTreeMap<String, [i64; PRODUCTS]>,
    pub closed: Vec<String>,
}

impl Model {
    pub fn reserved(&self, product: usize) -> i64 {
        self.open.values().map(|basket| basket[product]).sum()
    }

    pub fn random_step(&self, random: &mut StdRng) -> Step {
        let mut basket = [0; PRODUCTS];
        while basket == [0; PRODUCTS] {
            basket = std::array::from_fn(|_| random.random_range(0..4));
        }
        let known = self.open.keys().chain(&self.closed);
        match random.random_range(0..10) {
            0..4 => {
                let key = random.random_bool(0.5).then(|| random.random_range(0..25));
                Step::Place { key, basket }
            }
            4..7 => match known.clone().nth(random.random_range(0..30)) {
                Some(order) => Step::Cancel {
                    order: order.clone(),
                },
                None => Step::Place { key: None, basket },
            },
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
            Step::Cancel { .. } => Some(200),
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
                self.open.insert(id, *basket);
            }
            (Step::Cancel { order }, 200) => {
                if self.open.remove(order).is_some() {
                    self.closed.push(order.clone());
                }
            }
            (Step::Adjust { product, delta }, 200) => self.on_hand[*product] += delta,
            (Step::Place { .. }, 200) | (Step::Place { .. } | Step::Adjust { .. }, 409 | 422) => {}
            (step, _) => panic!("{step:?} ended with {answer:?}"),
        }
    }
}
