use std::sync::Arc;

use ports::{Money, Products};
use uuid::Uuid;

use super::ProductsWorld;
use super::fake::{Entry, FakeProducts, Product};
use crate::conformance::bench::{Fault, World};

impl World for Arc<FakeProducts> {
    type Port = dyn Products;

    async fn open() -> Self {
        Self::default()
    }

    fn port(&self) -> Arc<dyn Products> {
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

impl ProductsWorld for Arc<FakeProducts> {
    async fn product(&self, name: &str, price: Money, on_hand: i64) -> Uuid {
        let product = Product {
            name: name.to_owned(),
            price,
            on_hand,
            is_active: true,
        };
        let id = Uuid::now_v7();
        self.state.lock().unwrap().products.insert(id, product);
        id
    }

    async fn change_price(&self, product_id: Uuid, price: Money) {
        let mut state = self.state.lock().unwrap();
        state.products.get_mut(&product_id).unwrap().price = price;
    }

    async fn retire(&self, product_id: Uuid) {
        let mut state = self.state.lock().unwrap();
        state.products.get_mut(&product_id).unwrap().is_active = false;
    }

    async fn expire_holds(&self) {
        let mut state = self.state.lock().unwrap();
        state
            .reservations
            .retain(|_, entry| !matches!(entry, Entry::Held(_)));
    }

    async fn stock(&self, product_id: Uuid) -> (i64, i64) {
        let state = self.state.lock().unwrap();
        let on_hand = state.products[&product_id].on_hand;
        (on_hand, state.reserved(product_id))
    }
}
