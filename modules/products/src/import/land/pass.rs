use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::write::{Columns, OnHand};
use super::{Lander, Outcome};
use crate::import::change::Change;

type Numbered<'a> = (u64, &'a Change);

/// A product that is there already, and what it is to become.
struct Update<'a> {
    line: u64,
    id: Uuid,
    change: &'a Change,
}

impl Lander<'_> {
    /// Lands records with different SKUs.
    pub(super) async fn pass(
        &self,
        tx: &mut PgConnection,
        mut records: Vec<Numbered<'_>>,
        outcome: &mut Outcome,
    ) -> Result<(), sqlx::Error> {
        // Turns again only for products that somebody else made in between.
        while !records.is_empty() {
            let known = lock_existing(tx, &records).await?;
            let mut updates = Vec::new();
            let mut fresh = Vec::new();
            for (line, change) in records {
                match known.get(&change.sku) {
                    Some(&id) => updates.push(Update { line, id, change }),
                    None => fresh.push((line, change)),
                }
            }
            self.update(tx, updates, outcome).await?;
            records = self.insert(tx, fresh, outcome).await?;
        }
        Ok(())
    }

    async fn update(
        &self,
        tx: &mut PgConnection,
        mut updates: Vec<Update<'_>>,
        outcome: &mut Outcome,
    ) -> Result<(), sqlx::Error> {
        if updates.is_empty() {
            return Ok(());
        }
        let stock = lock_stock(tx, &updates).await?;
        updates.retain(|update| {
            let reserved = stock.get(&update.id).map_or(0, |stock| stock.reserved);
            let fits = update
                .change
                .on_hand
                .is_none_or(|wanted| wanted >= reserved);
            if !fits {
                let field = self.names.on_hand;
                let message = format!("{field}: is below the {reserved} that are reserved");
                outcome.reject(update.line, message);
            }
            fits
        });
        let numbered = updates.iter().map(|update| (update.line, update.change));
        let categories = self.categories(tx, numbered.collect(), outcome).await?;
        updates.retain(|update| categories.contains_key(&update.line));

        let mut columns = Columns::default();
        let mut on_hand = OnHand::default();
        for update in &updates {
            columns.push(update.id, update.change, categories[&update.line]);
            let before = stock.get(&update.id).map_or(0, |stock| stock.on_hand);
            if let Some(wanted) = update.change.on_hand.filter(|wanted| *wanted != before) {
                on_hand.push(update.id, wanted, wanted - before);
            }
        }
        self.write_updates(tx, &columns).await?;
        self.write_stock(tx, &on_hand).await?;
        outcome.updated += updates.len() as u64;
        Ok(())
    }

    /// Answers the records whose product was made by somebody else meanwhile.
    async fn insert<'a>(
        &self,
        tx: &mut PgConnection,
        mut fresh: Vec<Numbered<'a>>,
        outcome: &mut Outcome,
    ) -> Result<Vec<Numbered<'a>>, sqlx::Error> {
        fresh.retain(|(line, change)| {
            let missing = match (&change.name, change.price_minor) {
                (None, _) => self.names.name,
                (_, None) => self.names.price,
                _ => return true,
            };
            outcome.reject(*line, format!("{missing}: is required for a new product"));
            false
        });
        let categories = self.categories(tx, fresh.clone(), outcome).await?;
        fresh.retain(|(line, _)| categories.contains_key(line));
        if fresh.is_empty() {
            return Ok(fresh);
        }

        let mut columns = Columns::default();
        for (line, change) in &fresh {
            columns.push(Uuid::now_v7(), change, categories[line]);
        }
        let made = self.write_new(tx, &columns).await?;
        let mut on_hand = OnHand::default();
        let mut beaten = Vec::new();
        for (record, id) in fresh.into_iter().zip(&columns.ids) {
            if made.contains(id) {
                let wanted = record.1.on_hand.unwrap_or(0);
                on_hand.push(*id, wanted, wanted);
            } else {
                beaten.push(record);
            }
        }
        self.write_stock(tx, &on_hand).await?;
        outcome.imported += on_hand.ids.len() as u64;
        Ok(beaten)
    }
}

/// Ids by SKU. Locked in order, so that two imports of one file do not end in a deadlock.
async fn lock_existing(
    tx: &mut PgConnection,
    records: &[Numbered<'_>],
) -> Result<HashMap<String, Uuid>, sqlx::Error> {
    let skus: Vec<&str> = records.iter().map(|(_, change)| &*change.sku).collect();
    let rows = sqlx::query!(
        "select sku, id from products where sku = any($1) order by id for no key update",
        &skus as &[&str],
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.sku, row.id)).collect())
}

struct Stock {
    on_hand: i64,
    reserved: i64,
}

async fn lock_stock(
    tx: &mut PgConnection,
    updates: &[Update<'_>],
) -> Result<HashMap<Uuid, Stock>, sqlx::Error> {
    let ids: Vec<Uuid> = updates
        .iter()
        .filter(|update| update.change.on_hand.is_some())
        .map(|update| update.id)
        .collect();
    let rows = sqlx::query!(
        r#"
        select product_id, on_hand, reserved from stock
        where product_id = any($1) order by product_id for update
        "#,
        &ids,
    )
    .fetch_all(tx)
    .await?;
    let stock = rows.into_iter().map(|row| {
        let (on_hand, reserved) = (row.on_hand, row.reserved);
        (row.product_id, Stock { on_hand, reserved })
    });
    Ok(stock.collect())
}
