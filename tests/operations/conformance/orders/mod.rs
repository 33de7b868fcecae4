//! The orders port.

mod audit;
mod fake;
mod module;

use std::sync::Arc;

use ports::audit::Audit;
use ports::events::{UserDeactivated, UserDeleted};
use ports::orders::{OrderBook, RetellRequest};
use ports::{CallContext, Event, EventBody, Never, Orders, PortResult};
use ports_http::{Remote, Switch};
use uuid::Uuid;

use super::bench::{Answered, Bench, Tested, World, answered, cx};
use super::failures::*;
use super::on_every_adapter;
use audit::*;
use fake::FakeOrders;
use module::OrdersModule;

/// What is written into an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub note: Option<&'static str>,
    pub key: Option<&'static str>,
    pub reason: Option<&'static str>,
    pub reference: Option<&'static str>,
}

/// What happens to orders besides being told of events.
pub trait OrdersWorld: World<Port = dyn Orders> {
    /// A cancelled one.
    async fn order(&self, user_id: Uuid, told: Told) -> Uuid;
    /// Note, key, reason and reference.
    async fn tells(&self, order_id: Uuid) -> [Option<String>; 4];
    /// Writes an order down as it is, with the history and the total that it should have.
    async fn write(&self, order: &OrderBook);
    /// The types of the events that products is to hear of an order.
    async fn told(&self, order_id: Uuid) -> Vec<String>;
}

impl Tested for dyn Orders {
    const CALLS: usize = 3;

    fn remote(remote: Remote) -> Arc<Self> {
        Arc::new(remote)
    }

    fn switch(switch: Switch<Self>) -> Arc<Self> {
        Arc::new(switch)
    }

    async fn each_call(&self, cx: &CallContext) -> Vec<(&'static str, Answered)> {
        let retell = RetellRequest {
            order_ids: vec![Uuid::now_v7()],
        };
        let (handle, audit, retell) = tokio::join!(
            self.handle(cx.clone(), deleted(Uuid::now_v7())),
            self.audit(cx.clone(), Audit::Of { ids: Vec::new() }),
            self.retell(cx.clone(), retell),
        );
        vec![
            ("handle", answered(handle)),
            ("audit", answered(audit)),
            ("retell", answered(retell)),
        ]
    }
}

impl<W: OrdersWorld> Bench<W> {
    async fn tell(&self, event: &Event) -> PortResult<(), Never> {
        self.port.handle(cx(), event.clone()).await
    }
}

fn deleted(user_id: Uuid) -> Event {
    Event::now(EventBody::UserDeleted(UserDeleted { user_id }))
}

const TELLING: Told = Told {
    note: Some("for Ada"),
    key: Some("ada@example.com"),
    reason: Some("Ada is moving"),
    reference: Some("paid by Ada"),
};

const NOTHING: [Option<String>; 4] = [const { None }; 4];

fn all_of(told: Told) -> [Option<String>; 4] {
    [told.note, told.key, told.reason, told.reference].map(|text| text.map(str::to_owned))
}

on_every_adapter! { Arc<FakeOrders>, OrdersModule:
    a_deleted_users_orders_tell_nothing,
    the_shops_own_words_stay,
    an_event_has_its_effect_once,
    what_does_not_concern_it_changes_nothing,
    shows_all_orders_page_by_page,
    shows_orders_by_their_ids,
    retells_what_the_status_demands,
    a_spent_deadline_is_a_timeout,
    a_stalled_module_costs_the_deadline_and_no_more,
    a_module_without_its_database_is_unavailable,
    a_call_that_is_cut_off_is_unavailable,
}

async fn a_deleted_users_orders_tell_nothing(bench: &Bench<impl OrdersWorld>) {
    let (ada, bob) = (Uuid::now_v7(), Uuid::now_v7());
    let mut hers = Vec::new();
    for told in [
        TELLING,
        Told {
            key: None,
            ..TELLING
        },
        Told {
            note: None,
            key: Some("a second"),
            ..TELLING
        },
        Told {
            note: None,
            key: None,
            ..TELLING
        },
        Told {
            key: Some("another key"),
            ..TELLING
        },
    ] {
        hers.push(bench.world.order(ada, told).await);
    }
    let his = bench.world.order(bob, TELLING).await;
    assert_eq!(bench.tell(&deleted(ada)).await, Ok(()));
    for order in hers {
        assert_eq!(bench.world.tells(order).await, NOTHING);
    }
    assert_eq!(bench.world.tells(his).await, all_of(TELLING));
}

async fn the_shops_own_words_stay(bench: &Bench<impl OrdersWorld>) {
    let ada = Uuid::now_v7();
    for word in ["out_of_stock", "payment_window_expired"] {
        let told = Told {
            note: None,
            key: None,
            reason: Some(word),
            reference: None,
        };
        let order = bench.world.order(ada, told).await;
        assert_eq!(bench.tell(&deleted(ada)).await, Ok(()));
        assert_eq!(bench.world.tells(order).await, all_of(told));
    }
}

async fn an_event_has_its_effect_once(bench: &Bench<impl OrdersWorld>) {
    let ada = Uuid::now_v7();
    let event = deleted(ada);
    assert_eq!(bench.tell(&event).await, Ok(()));
    let order = bench.world.order(ada, TELLING).await;
    assert_eq!(bench.tell(&event).await, Ok(()));
    assert_eq!(bench.world.tells(order).await, all_of(TELLING));
    assert_eq!(bench.tell(&deleted(ada)).await, Ok(()));
    assert_eq!(bench.world.tells(order).await, NOTHING);
}

async fn what_does_not_concern_it_changes_nothing(bench: &Bench<impl OrdersWorld>) {
    let ada = Uuid::now_v7();
    let order = bench.world.order(ada, TELLING).await;
    let locked = EventBody::UserDeactivated(UserDeactivated { user_id: ada });
    for event in [Event::now(locked), deleted(Uuid::now_v7())] {
        assert_eq!(bench.tell(&event).await, Ok(()));
        assert_eq!(bench.world.tells(order).await, all_of(TELLING));
    }
}
