use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::stored::{self, Stored, Target};
use super::write::{New, OnHand, Updates};
use super::{Lander, Outcome};
use crate::import::change::{Change, Cleared};
use crate::words;

pub(super) type Numbered<'a> = (u64, &'a Change);

/// A product that is there already, and what it is to become.
struct Update<'a, 'b> {
    record: Numbered<'a>,
    id: Uuid,
    target: Option<Target<'b>>,
    on_hand: Option<i64>,
}

impl Lander {
    /// Lands records with different SKUs.
    pub(super) async fn pass(
        &self,
        tx: &mut PgConnection,
        mut records: Vec<Numbered<'_>>,
        outcome: &mut Outcome,
    ) -> Result<(), sqlx::Error> {
        // Turns again only for products that somebody else changed in between.
        while !records.is_empty() {
            let stored = stored::read(tx, &records).await?;
            let (known, fresh): (Vec<_>, Vec<_>) = records
                .iter()
                .partition(|(_, change)| stored.contains_key(&change.sku));
            records = self.update(tx, known, &stored, outcome).await?;
            self.insert(tx, fresh, outcome).await?;
        }
        Ok(())
    }

    /// Locks and writes only what is not as it should be. Answers the records whose product was
    /// changed by somebody else meanwhile.
    async fn update<'a: 'b, 'b>(
        &self,
        tx: &mut PgConnection,
        records: Vec<Numbered<'a>>,
        stored: &'b HashMap<String, Stored>,
        outcome: &mut Outcome,
    ) -> Result<Vec<Numbered<'a>>, sqlx::Error> {
        let records = self.refuse_reserved(tx, records, stored, outcome).await?;
        let categories = self.categories(tx, records.clone(), outcome).await?;
        let currency = self.currency.code();
        let updates = records.into_iter().filter_map(|(line, change)| {
            let category = *categories.get(&line)?;
            let stored = stored.get(&change.sku)?;
            Some(Update {
                record: (line, change),
                id: stored.id,
                target: stored.target(change, category, currency),
                on_hand: stored.on_hand(change),
            })
        });
        let (mut updates, same): (Vec<Update<'_, '_>>, Vec<_>) =
            updates.partition(|update| update.target.is_some() || update.on_hand.is_some());
        outcome.updated += same.len() as u64;

        let changed = updates.iter().filter(|update| update.target.is_some());
        let changed = changed.filter_map(|update| stored.get(&update.record.1.sku));
        let as_read = stored::lock(tx, &changed.collect::<Vec<_>>()).await?;
        let stale = |update: &mut Update<'_, '_>| {
            update.target.is_some() && as_read.get(&update.id) != Some(&true)
        };
        let again = updates.extract_if(.., stale).map(|update| update.record);
        let again = again.collect();

        let levels = lock_stock(tx, &updates).await?;
        let mut on_hand = OnHand::default();
        updates.retain(|update| {
            let Some(wanted) = update.on_hand else {
                return true;
            };
            let (before, reserved) = levels.get(&update.id).copied().unwrap_or_default();
            if wanted < reserved {
                outcome.reject(update.record.0, self.below_reserved(reserved));
                return false;
            }
            if wanted != before {
                on_hand.push(update.id, wanted, wanted - before);
            }
            true
        });
        let targets = updates.iter().filter_map(|update| update.target.as_ref());
        let targets = Updates::of(targets);
        self.teach(tx, &targets.documents(), outcome).await?;
        targets.write(tx).await?;
        on_hand.write(tx, self.actor).await?;
        outcome.updated += updates.len() as u64;
        Ok(again)
    }

    /// Leaves out lines that want less than is reserved, before categories are made for them.
    async fn refuse_reserved<'a>(
        &self,
        tx: &mut PgConnection,
        mut records: Vec<Numbered<'a>>,
        stored: &HashMap<String, Stored>,
        outcome: &mut Outcome,
    ) -> Result<Vec<Numbered<'a>>, sqlx::Error> {
        let lowered = |(_, change): &Numbered<'_>| {
            let stored = stored.get(&change.sku)?;
            let wanted = stored.on_hand(change)?;
            stored.has_more_than(wanted).then_some((stored.id, wanted))
        };
        let ids: Vec<Uuid> = {
            let known = self.known_categories();
            let makes_one = |change: &Change| {
                let category = change.category.as_ref().and_then(Cleared::value);
                category.is_some_and(|category| !known.contains_key(category))
            };
            let may = records.iter().filter(|(_, change)| makes_one(change));
            may.filter_map(|record| Some(lowered(record)?.0)).collect()
        };
        if ids.is_empty() {
            return Ok(records);
        }
        let reserved = sqlx::query!(
            "select product_id, reserved from stock where product_id = any($1)",
            &ids,
        )
        .fetch_all(tx)
        .await?;
        let rows = reserved.into_iter();
        let reserved: HashMap<Uuid, i64> = rows.map(|row| (row.product_id, row.reserved)).collect();
        records.retain(|record| {
            let refused = lowered(record).and_then(|(id, wanted)| {
                let reserved = *reserved.get(&id)?;
                (wanted < reserved).then_some(reserved)
            });
            if let Some(reserved) = refused {
                outcome.reject(record.0, self.below_reserved(reserved));
            }
            refused.is_none()
        });
        Ok(records)
    }

    fn below_reserved(&self, reserved: i64) -> String {
        let field = self.names.on_hand;
        format!("{field}: is below the {reserved} that are reserved")
    }

    async fn insert(
        &self,
        tx: &mut PgConnection,
        mut fresh: Vec<Numbered<'_>>,
        outcome: &mut Outcome,
    ) -> Result<(), sqlx::Error> {
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
        let mut new = New::default();
        for (line, change) in fresh {
            if let Some(category) = categories.get(&line) {
                new.push(change, *category);
            }
        }
        self.teach(tx, &new.documents(), outcome).await?;
        new.write(tx, self.currency, self.actor).await?;
        outcome.imported += new.len();
        Ok(())
    }

    /// The words of the titles, unless they are known to be taught.
    async fn teach(
        &self,
        tx: &mut PgConnection,
        documents: &[&str],
        outcome: &mut Outcome,
    ) -> Result<(), sqlx::Error> {
        let news: Vec<&str> = {
            let known = self.taught();
            let words = documents.iter().flat_map(|words| words::taught(words));
            let words = words.filter(|word| !known.contains(*word));
            let words = words.filter(|word| outcome.taught.insert((*word).to_owned()));
            words.collect()
        };
        words::teach(tx, news).await
    }
}

/// `(on_hand, reserved)` of those whose stock is to change.
async fn lock_stock(
    tx: &mut PgConnection,
    updates: &[Update<'_, '_>],
) -> Result<HashMap<Uuid, (i64, i64)>, sqlx::Error> {
    let updates = updates.iter().filter(|update| update.on_hand.is_some());
    let ids: Vec<Uuid> = updates.map(|update| update.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"
        select product_id, on_hand, reserved from stock
        where product_id = any($1) order by product_id for update
        "#,
        &ids,
    )
    .fetch_all(tx)
    .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| (row.product_id, (row.on_hand, row.reserved)))
        .collect())
}
