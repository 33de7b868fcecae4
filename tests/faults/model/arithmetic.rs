//! What stock and reservations are, as arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

pub const PRODUCTS: usize = 3;
pub const RESERVATIONS: usize = 10;
pub const ON_HAND: i64 = 12;

pub type Basket = [i64; PRODUCTS];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reservation {
    Held {
        expired: bool,
    },
    Allocated,
    /// What came back, and what left the house.
    Released,
    Shipped,
}

/// Reservations by number; what each is for never changes. The event of each kind that belongs to
/// one is always the same, so that it comes twice and late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    Reserve(usize),
    Release(usize),
    Placed(usize),
    Shipped(usize),
    Cancelled(usize),
    Sweep,
    Adjust { product: usize, delta: i64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Done,
    OutOfStock,
    Closed,
    NotAllocated,
    InUse,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct State {
    pub on_hand: Basket,
    pub reservations: BTreeMap<usize, Reservation>,
    /// Events that had their effect.
    heard: BTreeSet<Op>,
}

/// What a database shows of a state.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub on_hand: Basket,
    pub reserved: Basket,
    pub reservations: BTreeMap<usize, &'static str>,
}

impl State {
    pub fn new() -> Self {
        Self {
            on_hand: [ON_HAND; PRODUCTS],
            reservations: BTreeMap::new(),
            heard: BTreeSet::new(),
        }
    }

    fn reserved(&self, baskets: &[Basket]) -> Basket {
        let mut reserved = [0; PRODUCTS];
        for (number, reservation) in &self.reservations {
            for (sum, quantity) in reserved.iter_mut().zip(baskets[*number]) {
                *sum += match reservation {
                    Reservation::Released | Reservation::Shipped => 0,
                    Reservation::Held { .. } | Reservation::Allocated => quantity,
                };
            }
        }
        reserved
    }

    pub fn seen(&self, baskets: &[Basket]) -> Seen {
        let words = self.reservations.iter().map(|(number, reservation)| {
            let word = match reservation {
                Reservation::Held { .. } => "held",
                Reservation::Allocated => "allocated",
                Reservation::Released => "released",
                Reservation::Shipped => "shipped",
            };
            (*number, word)
        });
        Seen {
            on_hand: self.on_hand,
            reserved: self.reserved(baskets),
            reservations: words.collect(),
        }
    }

    fn set(&mut self, number: usize, reservation: Reservation) {
        self.reservations.insert(number, reservation);
    }

    /// Whole or not at all.
    fn take(&mut self, number: usize, as_what: Reservation, baskets: &[Basket]) -> Said {
        let reserved = self.reserved(baskets);
        let basket = baskets[number];
        if (0..PRODUCTS).any(|p| basket[p] > self.on_hand[p] - reserved[p]) {
            return Said::OutOfStock;
        }
        self.reservations.insert(number, as_what);
        Said::Done
    }

    pub fn apply(&mut self, op: Op, baskets: &[Basket]) -> Said {
        let is_event = matches!(op, Op::Placed(_) | Op::Shipped(_) | Op::Cancelled(_));
        if is_event && self.heard.contains(&op) {
            return Said::Done;
        }
        let said = self.carry_out(op, baskets);
        if is_event && said == Said::Done {
            self.heard.insert(op);
        }
        said
    }

    fn carry_out(&mut self, op: Op, baskets: &[Basket]) -> Said {
        use Reservation::{Allocated, Held, Released, Shipped};
        let now = |number| self.reservations.get(&number).copied();
        match op {
            Op::Reserve(number) => match now(number) {
                Some(Released | Shipped) => return Said::Closed,
                Some(Allocated) => {}
                Some(Held { .. }) => {
                    self.set(number, Held { expired: false });
                }
                None => return self.take(number, Held { expired: false }, baskets),
            },
            Op::Release(number) => {
                if let Some(Held { .. }) = now(number) {
                    self.reservations.remove(&number);
                }
            }
            Op::Placed(number) => match now(number) {
                Some(Allocated | Released | Shipped) => {}
                Some(Held { .. }) => self.set(number, Allocated),
                None => return self.take(number, Allocated, baskets),
            },
            Op::Shipped(number) => match now(number) {
                Some(Allocated) => {
                    for (on_hand, quantity) in self.on_hand.iter_mut().zip(baskets[number]) {
                        *on_hand -= quantity;
                    }
                    self.reservations.insert(number, Shipped);
                }
                Some(Released | Shipped) => {}
                Some(Held { .. }) | None => return Said::NotAllocated,
            },
            Op::Cancelled(number) => {
                if now(number) != Some(Shipped) {
                    self.set(number, Released);
                }
            }
            Op::Sweep => self
                .reservations
                .retain(|_, reservation| *reservation != Held { expired: true }),
            Op::Adjust { product, delta } => {
                if self.on_hand[product] + delta < self.reserved(baskets)[product] {
                    return Said::InUse;
                }
                self.on_hand[product] += delta;
            }
        }
        Said::Done
    }

    /// Time passes for a hold.
    pub fn expire(&mut self, number: usize) {
        if let Some(Reservation::Held { expired }) = self.reservations.get_mut(&number) {
            *expired = true;
        }
    }

    /// So long ago that nobody remembers any event: what comes again is met by its effect alone.
    pub fn forget(&mut self) {
        self.heard.clear();
    }
}

pub fn random_basket(random: &mut ChaCha8Rng) -> Basket {
    let mut basket = [0; PRODUCTS];
    while basket == [0; PRODUCTS] {
        basket = std::array::from_fn(|_| random.random_range(0..4));
    }
    basket
}

pub fn random_op(random: &mut ChaCha8Rng) -> Op {
    let number = random.random_range(0..RESERVATIONS);
    match random.random_range(0..12) {
        0..4 => Op::Reserve(number),
        4 => Op::Release(number),
        5..7 => Op::Placed(number),
        7..9 => Op::Shipped(number),
        9 => Op::Cancelled(number),
        _ => Op::Adjust {
            product: random.random_range(0..PRODUCTS),
            // Goods come in as they are shipped.
            delta: [-3, -2, -1, 1, 2, 3, 4][random.random_range(0..7)],
        },
    }
}
