//! The cart: lines from this module's database, shown at what they cost and what there is of them
//! now.

use std::collections::HashMap;

use platform::RequestContext;
use ports::products::{ProductSnapshot, SnapshotRequest};
use ports::{Currency, Money, PortError};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::erasure::is_erased;
use crate::error::CartError;
use crate::order::MoneySchema;
use crate::store::cart::{self, Line};
use crate::{Module, call_context};

/// What a user means to buy.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cart {
    /// In the order in which they came into the cart.
    pub items: Vec<CartItem>,
    /// Of all lines but those that are `unavailable`.
    #[schema(value_type = MoneySchema)]
    pub total: Money,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CartItem {
    pub product_id: Uuid,
    pub sku: String,
    pub name: String,
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: i64,
    /// What it costs now.
    #[schema(value_type = MoneySchema)]
    pub unit_price: Money,
    #[schema(value_type = MoneySchema)]
    pub line_total: Money,
    /// How many there are to be had now.
    pub available: i64,
    /// What is otherwise than when the line was put in; empty when it can be ordered as it is.
    pub changes: Vec<CartChange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CartChange {
    /// It costs more or less than when the line was last put in. To put it in again acknowledges
    /// the new price.
    PriceChanged,
    /// There are fewer than `quantity`.
    InsufficientStock,
    /// It is no longer sold. It does not count in the cart's total.
    Unavailable,
}

impl Module {
    pub(crate) async fn cart(&self, user_id: Uuid, cx: &RequestContext) -> Result<Cart, CartError> {
        let lines = cart::lines(&self.pool, user_id).await?;
        let ids = lines.iter().map(|line| line.product_id);
        let products = self.snapshots(ids.collect(), user_id, cx).await?;
        Ok(show(lines, products, self.config.currency))
    }

    /// Puts a line in, at the price of the day; with it any new price is acknowledged.
    pub(crate) async fn put_into_cart(
        &self,
        user_id: Uuid,
        (product_id, quantity): (Uuid, i64),
        cx: &RequestContext,
    ) -> Result<Cart, CartError> {
        let mut lines = cart::lines(&self.pool, user_id).await?;
        let mut ids: Vec<Uuid> = lines.iter().map(|line| line.product_id).collect();
        if !ids.contains(&product_id) {
            ids.push(product_id);
        }
        let products = self.snapshots(ids, user_id, cx).await?;
        let product = products.get(&product_id).filter(|found| found.is_active);
        let product = product.ok_or(CartError::UnknownProduct(product_id))?;
        if product.unit_price.times(quantity).is_none() {
            return Err(CartError::TotalTooLarge);
        }
        let Some(put) = cart::put(&self.pool, user_id, product, quantity).await? else {
            return Err(match is_erased(&self.pool, user_id).await? {
                true => CartError::AccountDeleted,
                false => CartError::Full,
            });
        };
        match lines.iter_mut().find(|line| line.product_id == product_id) {
            Some(line) => *line = put,
            None => lines.push(put),
        }
        Ok(show(lines, products, self.config.currency))
    }

    pub(crate) async fn remove_from_cart(
        &self,
        user_id: Uuid,
        product_id: Uuid,
        cx: &RequestContext,
    ) -> Result<Cart, CartError> {
        cart::remove(&self.pool, user_id, product_id).await?;
        self.cart(user_id, cx).await
    }

    pub(crate) async fn clear_cart(&self, user_id: Uuid) -> Result<Cart, CartError> {
        cart::clear(&self.pool, user_id).await?;
        Ok(show(Vec::new(), HashMap::new(), self.config.currency))
    }

    /// All of them by one call; none for none.
    async fn snapshots(
        &self,
        product_ids: Vec<Uuid>,
        user_id: Uuid,
        cx: &RequestContext,
    ) -> Result<HashMap<Uuid, ProductSnapshot>, CartError> {
        if product_ids.is_empty() {
            return Ok(HashMap::new());
        }
        let request = SnapshotRequest { product_ids };
        let snapshots = self.products.snapshot(call_context(cx, user_id), request);
        let snapshots = snapshots.await.map_err(|error| match error {
            PortError::Failed(failure) => CartError::Products(failure),
            PortError::Rejected(never) => match never {},
        })?;
        let by_id = snapshots.into_iter().map(|found| (found.product_id, found));
        Ok(by_id.collect())
    }
}

fn show(
    lines: Vec<Line>,
    mut products: HashMap<Uuid, ProductSnapshot>,
    currency: Currency,
) -> Cart {
    let mut total = Money::new(0, currency);
    let items = lines.into_iter().map(|line| {
        let item = item(&line, products.remove(&line.product_id), currency);
        if !item.changes.contains(&CartChange::Unavailable) {
            total.amount = total.amount.saturating_add(item.line_total.amount);
        }
        item
    });
    let items = items.collect();
    Cart { items, total }
}

/// Of a product that is gone, what the line remembers. A total beyond what can be charged is shown
/// as the most that there is; to order it is refused.
fn item(line: &Line, product: Option<ProductSnapshot>, currency: Currency) -> CartItem {
    let sold = product.as_ref().is_some_and(|product| product.is_active);
    let product = product.unwrap_or_else(|| ProductSnapshot {
        product_id: line.product_id,
        sku: line.sku.clone(),
        name: line.name.clone(),
        unit_price: Money::new(line.unit_price_minor, currency),
        available: 0,
        is_active: false,
    });
    let price = product.unit_price;
    let available = if sold { product.available } else { 0 };
    let changes = [
        (
            sold && price.amount != line.unit_price_minor,
            CartChange::PriceChanged,
        ),
        (
            sold && available < line.quantity,
            CartChange::InsufficientStock,
        ),
        (!sold, CartChange::Unavailable),
    ];
    let line_total = price.amount.saturating_mul(line.quantity);
    CartItem {
        product_id: line.product_id,
        sku: product.sku,
        name: product.name,
        quantity: line.quantity,
        unit_price: price,
        line_total: Money::new(line_total, price.currency),
        available,
        changes: changes
            .iter()
            .filter_map(|(is, change)| is.then_some(*change))
            .collect(),
    }
}
