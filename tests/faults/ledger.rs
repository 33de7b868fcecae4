//! What clients asked for and what they were told: the shop is held to it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;
use uuid::Uuid;

/// Number of the product, and pieces; by number.
pub type Basket = Vec<(usize, i64)>;

/// Orders that may still be under way.
const LAST: usize = 12;

/// One order that somebody wants, however often it was asked for.
#[derive(Debug)]
pub struct Wish {
    pub basket: Basket,
    /// Acknowledged.
    pub order: Option<Uuid>,
    /// So often with 201.
    pub created: usize,
}

#[derive(Default)]
pub struct Book {
    /// By the order's note, which is different for each.
    pub wishes: BTreeMap<String, Wish>,
    /// Acknowledged, the last one last.
    orders: Vec<Uuid>,
    /// Acknowledged changes: order and its status then.
    pub changes: BTreeSet<(Uuid, &'static str)>,
    /// By the reason, which is different for each: product, pieces, acknowledged.
    pub adjustments: BTreeMap<String, (usize, i64, bool)>,
    /// Acknowledged orders of people who are deleted, as acknowledged.
    pub of_guests: BTreeSet<Uuid>,
    pub guests: usize,
    /// What should not have been heard.
    pub wrong: Vec<String>,
}

#[derive(Default)]
pub struct Ledger {
    book: Mutex<Book>,
    wishes: AtomicUsize,
    answers: AtomicUsize,
    /// Requests without an answer, or with 503.
    pub unanswered: AtomicUsize,
    answered: Notify,
}

impl Ledger {
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    pub fn wish(&self, note: &str, basket: &Basket) {
        self.wishes.fetch_add(1, Ordering::Relaxed);
        let wish = Wish {
            basket: basket.clone(),
            order: None,
            created: 0,
        };
        self.book().wishes.insert(note.to_owned(), wish);
    }

    pub fn acknowledge(&self, note: &str, order: Uuid, created: bool) {
        let mut book = self.book();
        let wish = book.wishes.get_mut(note).unwrap();
        wish.created += usize::from(created);
        let is_new = wish.order.is_none();
        let before = *wish.order.get_or_insert(order);
        if is_new {
            book.orders.push(order);
        }
        if before != order {
            let wrong = format!("{note} is order {before}, and then {order}");
            book.wrong.push(wrong);
        }
    }

    pub fn wrong(&self, what: String) {
        println!("wrong: {what}");
        self.book().wrong.push(what);
    }

    pub fn last_orders(&self) -> Vec<Uuid> {
        let book = self.book();
        book.orders.iter().rev().take(LAST).copied().collect()
    }

    pub fn count_answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.answered.notify_waiters();
    }

    pub fn answers(&self) -> usize {
        self.answers.load(Ordering::Relaxed)
    }

    pub fn wishes(&self) -> usize {
        self.wishes.load(Ordering::Relaxed)
    }

    pub async fn until_answers(&self, count: usize) {
        while self.answers() < count {
            let answered = self.answered.notified();
            if self.answers() < count {
                answered.await;
            }
        }
    }
}
