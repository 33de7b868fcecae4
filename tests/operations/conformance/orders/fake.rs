use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ports::audit::{Audit, page};
use ports::orders::{OrderBook, OrderBooks, OrderStatus, RetellRequest};
use ports::{CallContext, Event, EventBody, Never, Orders, PortResult};
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
    /// With what products is to hear of them.
    books: BTreeMap<Uuid, (OrderBook, Vec<String>)>,
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

    async fn audit(&self, cx: CallContext, request: Audit) -> PortResult<OrderBooks, Never> {
        self.faults.pass(&cx).await?;
        let state = self.state.lock().unwrap();
        let all = state.books.values().map(|(order, _)| order.clone());
        let orders: Vec<OrderBook> = match &request {
            Audit::Of { ids } => all.filter(|order| ids.contains(&order.order_id)).collect(),
            Audit::After { id, limit } => all
                .filter(|order| Some(order.order_id) > *id)
                .take(page(*limit))
                .collect(),
        };
        let next = request.next(orders.last().map(|order| order.order_id), orders.len());
        Ok(OrderBooks { orders, next })
    }

    async fn retell(&self, cx: CallContext, request: RetellRequest) -> PortResult<(), Never> {
        self.faults.pass(&cx).await?;
        let mut state = self.state.lock().unwrap();
        for id in request.order_ids {
            if let Some((order, told)) = state.books.get_mut(&id) {
                let event = match order.status {
                    OrderStatus::Placed | OrderStatus::Paid => "order.placed.v1",
                    OrderStatus::Shipped | OrderStatus::Delivered => "order.shipped.v1",
                    OrderStatus::Cancelled => "order.cancelled.v1",
                };
                told.push(event.to_owned());
                order.pending += 1;
            }
        }
        Ok(())
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

    async fn write(&self, order: &OrderBook) {
        let mut state = self.state.lock().unwrap();
        let entry = (order.clone(), Vec::new());
        state.books.insert(order.order_id, entry);
    }

    async fn told(&self, order_id: Uuid) -> Vec<String> {
        self.state.lock().unwrap().books[&order_id].1.clone()
    }
}
