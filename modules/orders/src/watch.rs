//! Orders whose changes somebody wants to hear of as they happen.
//!
//! One task per process looks for new history of all watched orders, again and again, so that it
//! also finds what other replicas write; what this process has written it looks for at once. A
//! stream costs no statements of its own.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Module;
use crate::order::{Order, Step};
use crate::store::{self, Seen};

/// Between two looks at every watched order; at random, so that replicas spread.
const PAUSE: Duration = Duration::from_millis(650);
/// Orders looked at by one statement.
const BATCH: usize = 1_000;
/// Watches at a time, of a user and of all of this process.
const MOST_OF_USER: usize = 64;
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Watchers {
    state: Mutex<State>,
    /// There is something to look at.
    woken: Notify,
    closing: CancellationToken,
}

#[derive(Default)]
struct State {
    /// With the history that is known.
    orders: HashMap<Uuid, watch::Sender<Vec<Step>>>,
    of_user: HashMap<Uuid, usize>,
    open: usize,
    /// To be looked at before the next look at all.
    changed: HashSet<Uuid>,
}

/// A watched order. It is watched until this is dropped.
pub(crate) struct Watch {
    watchers: Arc<Watchers>,
    order_id: Uuid,
    user_id: Uuid,
    pub history: watch::Receiver<Vec<Step>>,
}

impl Watchers {
    /// `None` when this user, or everybody together, watches too many.
    pub fn watch(self: &Arc<Self>, order: &Order, user_id: Uuid) -> Option<Watch> {
        let mut state = self.lock();
        let of_user = state.of_user.get(&user_id).copied().unwrap_or_default();
        if of_user >= MOST_OF_USER || state.open >= MOST {
            return None;
        }
        state.open += 1;
        state.of_user.insert(user_id, of_user + 1);
        let known = state.orders.entry(order.id).or_default();
        known.send_if_modified(|known| {
            let newer = order.history.len() > known.len();
            if newer {
                known.clone_from(&order.history);
            }
            newer
        });
        let history = known.subscribe();
        drop(state);
        // It may have changed since it was read.
        self.changed(order.id);
        Some(Watch {
            watchers: Arc::clone(self),
            order_id: order.id,
            user_id,
            history,
        })
    }

    /// To be called after a commit that changed an order.
    pub fn changed(&self, order_id: Uuid) {
        let mut state = self.lock();
        if state.orders.contains_key(&order_id) {
            state.changed.insert(order_id);
            self.woken.notify_one();
        }
    }

    /// Ends every watch, and each that is begun from now on.
    pub fn close(&self) {
        self.closing.cancel();
    }

    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    fn is_idle(&self) -> bool {
        self.lock().orders.is_empty()
    }

    /// What to look at, and how much of its history is known.
    fn to_look_at(&self, all: bool) -> Vec<Seen> {
        let mut state = self.lock();
        let changed = std::mem::take(&mut state.changed);
        let orders = state.orders.iter();
        orders
            .filter(|(id, _)| all || changed.contains(id))
            .map(|(id, known)| Seen {
                order_id: *id,
                steps: i32::try_from(known.borrow().len()).unwrap_or(i32::MAX),
            })
            .collect()
    }

    fn learn(&self, news: Vec<store::News>) {
        let state = self.lock();
        for news in news {
            if let Some(known) = state.orders.get(&news.order_id) {
                known.send_if_modified(|known| {
                    let is_next = usize::try_from(news.step) == Ok(known.len() + 1);
                    if is_next {
                        known.push(news.entry);
                    }
                    is_next
                });
            }
        }
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    pub fn closing(&self) -> &CancellationToken {
        self.watchers.closing()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.watchers.lock();
        state.open -= 1;
        if let Some(of_user) = state.of_user.get_mut(&self.user_id) {
            *of_user -= 1;
            if *of_user == 0 {
                state.of_user.remove(&self.user_id);
            }
        }
        // The receiver of this one is still there.
        let watched = state.orders.get(&self.order_id);
        if watched.is_some_and(|known| known.receiver_count() <= 1) {
            state.orders.remove(&self.order_id);
        }
    }
}

impl Module {
    /// Looks for changes of watched orders until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut due = Instant::now();
        loop {
            let idle = self.watchers.is_idle();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.watchers.woken.notified() => {}
                () = sleep_until(due), if !idle => {}
            }
            let all = due <= Instant::now();
            if let Err(error) = self.look(all).await {
                tracing::warn!(%error, "could not look for changes of watched orders");
                due = Instant::now();
            }
            if all {
                due = Instant::now() + PAUSE.mul_f64(rand::random_range(0.7..1.3));
            }
        }
    }

    async fn look(&self, all: bool) -> Result<(), sqlx::Error> {
        for seen in self.watchers.to_look_at(all).chunks(BATCH) {
            let news = store::news(&self.pool, seen).await?;
            self.watchers.learn(news);
        }
        Ok(())
    }
}
