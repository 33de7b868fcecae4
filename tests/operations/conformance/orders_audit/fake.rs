use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ports::audit::{Audit, page};
use ports::orders::{OrderBook, OrderBooks, OrderStatus, RetellRequest};
use ports::{CallContext, Event, Never, Orders, PortResult};
use uuid::Uuid;

use super::BooksWorld;
use crate::conformance::bench::{Fault, World};
use crate::conformance::faults::Faults;

/// Orders in memory, and what products is to hear of them.
#[derive(Default)]
pub struct FakeBooks {
    orders: Mutex<BTreeMap<Uuid, (OrderBook, Vec<String>)>>,
    faults: Faults,
}

#[async_trait]
impl Orders for FakeBooks {
    async fn handle(&self, cx: CallContext, _: Event) -> PortResult<(), Never> {
        Ok(self.faults.pass(&cx).await?)
    }

    async fn audit(&self, cx: CallContext, request: Audit) -> PortResult<OrderBooks, Never> {
        self.faults.pass(&cx).await?;
        let orders = self.orders.lock().unwrap();
        let all = orders.values().map(|(order, _)| order.clone());
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
        let mut orders = self.orders.lock().unwrap();
        for id in request.order_ids {
            if let Some((order, told)) = orders.get_mut(&id) {
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

impl World for Arc<FakeBooks> {
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

impl BooksWorld for Arc<FakeBooks> {
    async fn write(&self, order: &OrderBook) {
        let mut orders = self.orders.lock().unwrap();
        orders.insert(order.order_id, (order.clone(), Vec::new()));
    }

    async fn told(&self, order_id: Uuid) -> Vec<String> {
        self.orders.lock().unwrap()[&order_id].1.clone()
    }
}
