//! Who uses the shop meanwhile: buyers, who do not let go, and a clerk.

use std::sync::atomic::{AtomicBool, Ordering};

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Ask, Client};
use crate::ledger::Basket;
use crate::support::Answer;

/// Pieces on hand at first: two products are plentiful, the others run out.
pub const ON_HAND: [i64; 5] = [1_000_000, 1_000_000, 150, 60, 20];
/// A request that is not answered is asked again so often, and then again later.
const TRIES: usize = 4;

/// What becomes of an order: the call, and the status.
const STEPS: [(&str, &str); 3] = [
    ("pay", "paid"),
    ("ship", "shipped"),
    ("deliver", "delivered"),
];

pub struct Actor<'a> {
    pub name: String,
    pub client: Client<'a>,
    pub random: ChaCha8Rng,
    pub products: &'a [String],
    pub over: &'a AtomicBool,
}

/// With a key one may ask again.
struct Keyed {
    note: String,
    body: Value,
}

impl Actor<'_> {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn basket(&mut self) -> Basket {
        let count = self.random.random_range(1..=3);
        let mut basket: Basket = Vec::new();
        for _ in 0..count {
            // Half of all lines are of what there is little of.
            let product = self.random.random_range(0..ON_HAND.len());
            if basket.iter().all(|line| line.0 != product) {
                basket.push((product, self.random.random_range(1..4)));
            }
        }
        basket
    }

    fn order(&self, note: &str, basket: &Basket) -> Value {
        let item = |&(product, quantity): &(usize, i64)| json!({ "product_id": self.products[product], "quantity": quantity });
        json!({ "items": basket.iter().map(item).collect::<Vec<_>>(), "note": note })
    }

    /// Orders, looks, cancels and repeats itself until it is over.
    pub async fn buy(mut self) {
        let (mut open, mut mine) = (Vec::<Keyed>::new(), Vec::<Uuid>::new());
        let mut number = 0;
        while !self.is_over() {
            number += 1;
            let note = format!("{} {number}", self.name);
            match self.random.random_range(0..20) {
                0..4 => mine.extend(self.place(note).await),
                4..13 => {
                    let basket = self.basket();
                    let body = self.order(&note, &basket);
                    self.client.ledger.wish(&note, &basket);
                    open.push(Keyed { note, body });
                    let last = open.len() - 1;
                    mine.extend(self.place_keyed(&open[last]).await);
                }
                13..16 if !open.is_empty() => {
                    let again = self.random.random_range(0..open.len());
                    self.place_keyed(&open[again]).await;
                }
                16..18 if !mine.is_empty() => {
                    let order = mine[self.random.random_range(0..mine.len())];
                    self.change(order, "cancel", "cancelled", "not_cancellable")
                        .await;
                }
                _ if !mine.is_empty() => {
                    let order = mine[self.random.random_range(0..mine.len())];
                    self.look_at(order).await;
                }
                _ => {}
            }
        }
    }

    async fn place(&mut self, note: String) -> Option<Uuid> {
        let basket = self.basket();
        self.client.ledger.wish(&note, &basket);
        let ask = Ask::post("/orders".to_owned(), self.order(&note, &basket));
        let answer = self
            .client
            .ask(self.client.door(&mut self.random), &ask)
            .await?;
        self.placed(&note, answer, &[201], None)
    }

    /// Asks until there is an answer, now and then twice at once.
    async fn place_keyed(&mut self, keyed: &Keyed) -> Option<Uuid> {
        let known = self.client.ledger.book().wishes[&keyed.note].order;
        for _ in 0..TRIES {
            let ask = Ask {
                key: Some(&keyed.note),
                ..Ask::post("/orders".to_owned(), keyed.body.clone())
            };
            let doors = [(); 2].map(|()| self.client.door(&mut self.random));
            let answers = if self.random.random_bool(0.2) {
                let both = (
                    self.client.ask(doors[0], &ask),
                    self.client.ask(doors[1], &ask),
                );
                let (one, other) = tokio::join!(both.0, both.1);
                [one, other]
            } else {
                [self.client.ask(doors[0], &ask).await, None]
            };
            let mut heard = None;
            let mut order = None;
            for answer in answers.into_iter().flatten() {
                heard = Some(());
                order = order.or(self.placed(&keyed.note, answer, &[200, 201], known));
            }
            if heard.is_some() || self.is_over() {
                return order;
            }
        }
        None
    }

    /// `known` is the order that this was before it was asked; of two requests at once one may be
    /// refused before the other is served.
    fn placed(
        &self,
        note: &str,
        answer: Answer,
        good: &[u16],
        known: Option<Uuid>,
    ) -> Option<Uuid> {
        let ledger = self.client.ledger;
        let code = answer.status.as_u16();
        if good.contains(&code) {
            let replayed = answer.header("idempotent-replayed") == Some("true");
            let id = answer.json["id"].as_str().and_then(|id| id.parse().ok());
            if let (Some(id), true) = (id, replayed == (code == 200)) {
                ledger.acknowledge(note, id, code == 201);
                return Some(id);
            }
        }
        if known.is_some() || code != 409 || answer.json["code"] != "insufficient_stock" {
            ledger.wrong(format!("{note}, which is order {known:?}: {answer:?}"));
        }
        None
    }

    /// Asks once; a refusal must carry this code.
    async fn change(&mut self, order: Uuid, verb: &str, status: &'static str, refusal: &str) {
        let ask = Ask::post(format!("/orders/{order}/{verb}"), json!({}));
        let door = self.client.door(&mut self.random);
        let Some(answer) = self.client.ask(door, &ask).await else {
            return;
        };
        let ledger = self.client.ledger;
        match answer.status.as_u16() {
            200 if answer.json["status"] == status => {
                ledger.book().changes.insert((order, status));
            }
            409 if answer.json["code"] == refusal => {}
            _ => ledger.wrong(format!("{verb} {order}: {answer:?}")),
        }
    }

    /// What was acknowledged can be read, at every door.
    async fn look_at(&mut self, order: Uuid) {
        let ask = Ask::get(format!("/orders/{order}"));
        let door = self.client.door(&mut self.random);
        let Some(answer) = self.client.ask(door, &ask).await else {
            return;
        };
        if answer.status != 200 || answer.json["id"] != order.to_string() {
            self.client.ledger.wrong(format!("{order}: {answer:?}"));
        }
    }

    /// Counts stock again, and moves orders on, until it is over.
    pub async fn work(mut self) {
        for number in 0.. {
            if self.is_over() {
                return;
            }
            let next = STEPS[self.random.random_range(0..STEPS.len())];
            match self.any_order() {
                Some(order) if self.random.random_bool(0.8) => {
                    let (verb, status) = next;
                    self.change(order, verb, status, "invalid_transition").await;
                }
                _ => self.adjust(number).await,
            }
        }
    }

    /// One of those that were acknowledged last, whose steps come soon after one another.
    fn any_order(&mut self) -> Option<Uuid> {
        let known = self.client.ledger.last_orders();
        let some = (!known.is_empty()).then(|| self.random.random_range(0..known.len()))?;
        Some(known[some])
    }

    async fn adjust(&mut self, number: usize) {
        let product = self.random.random_range(0..ON_HAND.len());
        let delta = match self.random.random_range(-4..9) {
            0 => 1,
            delta => delta,
        };
        let reason = format!("{} {number}", self.name);
        let ledger = self.client.ledger;
        let entry = (product, delta, false);
        ledger.book().adjustments.insert(reason.clone(), entry);
        let path = format!("/products/{}/stock/adjustments", self.products[product]);
        let ask = Ask::post(path, json!({ "delta": delta, "reason": reason }));
        let door = self.client.door(&mut self.random);
        let Some(answer) = self.client.ask(door, &ask).await else {
            return;
        };
        let mut book = ledger.book();
        match answer.status.as_u16() {
            200 => book.adjustments.get_mut(&reason).unwrap().2 = true,
            409 if answer.json["code"] == "stock_in_use" => drop(book.adjustments.remove(&reason)),
            _ => {
                drop(book);
                ledger.wrong(format!("{reason}: {answer:?}"));
            }
        }
    }
}
