use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ports::audit::Audit;
use ports::orders::{OrderBooks, RetellRequest};
use ports::{CallContext, Event, EventBody, Failure, Never, Orders, PortResult};
use uuid::Uuid;

use super::{OrdersWorld, Told};
use crate::conformance::bench::{Fault, World};
use crate::conformance::faults::Faults;

/// Orders in memory.
#[derive(Default)]
pub struct FakeOrders {
    state: Mutex<State>,
    faults: Faults,
}

#[derive(Default)]
struct State {
    orders: HashMap<Uuid, (Uuid, Told)>,
    handled: HashSet<Uuid>,
}

#[async_trait]
impl Orders for FakeOrders {
    async fn handle(&self, cx: CallContext, event: Event) -> PortResult<(), Never> {
        self.faults.pass(&cx).await?;
        let mut state = self.state.lock().unwrap();
        if !state.handled.insert(event.id) {
            return Ok(());
        }
        if let EventBody::UserDeleted(deleted) = event.body {
            let orders = state.orders.values_mut();
            for (_, told) in orders.filter(|(user_id, _)| *user_id == deleted.user_id) {
                let own = ["out_of_stock", "payment_window_expired"];
                *told = Told {
                    note: None,
                    key: None,
                    reason: told.reason.filter(|reason| own.contains(reason)),
                    reference: None,
                };
            }
        }
        Ok(())
    }

    async fn audit(&self, _: CallContext, _: Audit) -> PortResult<OrderBooks, Never> {
        Err(Failure::Unavailable.into())
    }

    async fn retell(&self, _: CallContext, _: RetellRequest) -> PortResult<(), Never> {
        Err(Failure::Unavailable.into())
    }
}

impl World for Arc<FakeOrders> {
    type Port = dyn Orders;

    async fn open() -> Self {
        Self::default()
    }

    fn port(&self) -> Arc<dyn Orders> {
        Arc::clone(self) as _
    }

    async fn suffer(&self, fault: Fault) {
        self.faults.set(Some(fault));
    }

    async fn waiting(&self, calls: usize) {
        self.faults.waiting(calls).await;
    }

    async fn recover(&self) {
        self.faults.set(None);
    }
}

impl OrdersWorld for Arc<FakeOrders> {
    async fn order(&self, user_id: Uuid, told: Told) -> Uuid {
        let id = Uuid::now_v7();
        let mut state = self.state.lock().unwrap();
        state.orders.insert(id, (user_id, told));
        id
    }

    async fn tells(&self, order_id: Uuid) -> [Option<String>; 4] {
        super::all_of(self.state.lock().unwrap().orders[&order_id].1)
    }
}
