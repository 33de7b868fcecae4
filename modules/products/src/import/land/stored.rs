//! Products as they are, and what a record makes of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::pass::Numbered;
use crate::import::change::{Attributes, Change, Cleared};
use crate::words;

pub(super) type Map = BTreeMap<String, String>;

pub(super) struct Stored {
    pub(super) id: Uuid,
    sku: String,
    /// Changes with every write.
    version: String,
    name: String,
    description: String,
    price_minor: i64,
    currency: String,
    category_id: Option<Uuid>,
    handle: Option<String>,
    attributes: Json<Map>,
    is_active: bool,
    on_hand: i64,
}

/// What is to be written; `None` leaves a column as it is.
pub(super) struct Target<'a> {
    pub(super) id: Uuid,
    pub(super) name: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) price_minor: i64,
    pub(super) currency: &'a str,
    pub(super) category_id: Option<Uuid>,
    pub(super) handle: Option<&'a str>,
    pub(super) attributes: Option<Cow<'a, Map>>,
    pub(super) is_active: bool,
    pub(super) search: Option<String>,
}

/// By SKU, without a lock.
pub(super) async fn read(
    tx: &mut PgConnection,
    records: &[Numbered<'_>],
) -> Result<HashMap<String, Stored>, sqlx::Error> {
    let skus: Vec<&str> = records.iter().map(|(_, change)| &*change.sku).collect();
    let rows = sqlx::query_as!(
        Stored,
        r#"
        select p.id, p.sku, p.xmin::text as "version!", p.name, p.description, p.price_minor,
            p.currency, p.category_id, p.handle, p.attributes as "attributes: Json<Map>",
            p.is_active,
            coalesce((select s.on_hand from stock s where s.product_id = p.id), 0) as "on_hand!"
        from products p
        where p.sku = any($1)
        "#,
        &skus as &[&str],
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.sku.clone(), row)).collect())
}

/// Locks those products, in order, so that two imports of one file do not end in a deadlock.
/// Answers which of them are still as they were read.
pub(super) async fn lock(
    tx: &mut PgConnection,
    products: &[&Stored],
) -> Result<HashMap<Uuid, bool>, sqlx::Error> {
    let read: HashMap<Uuid, &str> = products
        .iter()
        .map(|stored| (stored.id, &*stored.version))
        .collect();
    if read.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = read.keys().copied().collect();
    let rows = sqlx::query!(
        r#"
        select id, xmin::text as "version!" from products
        where id = any($1) order by id for no key update
        "#,
        &ids,
    )
    .fetch_all(tx)
    .await?;
    let is_same = |id: &Uuid, version: &str| read.get(id).is_some_and(|read| *read == version);
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| (row.id, is_same(&row.id, &row.version)))
        .collect())
}

impl Stored {
    /// The pieces that the record wants, if they are others than there are.
    pub(super) fn on_hand(&self, change: &Change) -> Option<i64> {
        change.on_hand.filter(|wanted| *wanted != self.on_hand)
    }

    pub(super) fn has_more_than(&self, wanted: i64) -> bool {
        self.on_hand > wanted
    }

    /// `None` when the product is as the record wants it.
    pub(super) fn target<'a>(
        &'a self,
        change: &'a Change,
        category: Option<Uuid>,
        currency: &'a str,
    ) -> Option<Target<'a>> {
        let name = change.name.as_deref().filter(|name| *name != self.name);
        let description = change.description.as_deref();
        let description = description.filter(|description| *description != self.description);
        let attributes = self.attributes(change);
        let attributes = attributes.filter(|attributes| **attributes != self.attributes.0);
        let category_id = match change.category {
            Some(_) => category,
            None => self.category_id,
        };
        let handle = match &change.handle {
            Some(handle) => Cleared::value(handle).map(String::as_str),
            None => self.handle.as_deref(),
        };
        let (price_minor, currency) = match change.price_minor {
            Some(price_minor) => (price_minor, currency),
            None => (self.price_minor, &*self.currency),
        };
        let is_active = change.is_active.unwrap_or(self.is_active);
        let says_other = name.is_some() || description.is_some() || attributes.is_some();
        let same = !says_other
            && (category_id, handle, is_active)
                == (self.category_id, self.handle.as_deref(), self.is_active)
            && (price_minor, currency) == (self.price_minor, &*self.currency);
        let search = says_other.then(|| {
            words::document(
                &self.sku,
                name.unwrap_or(&self.name),
                attributes.as_deref().unwrap_or(&self.attributes.0),
                description.unwrap_or(&self.description),
            )
        });
        (!same).then_some(Target {
            id: self.id,
            name,
            description,
            price_minor,
            currency,
            category_id,
            handle,
            attributes,
            is_active,
            search,
        })
    }

    fn attributes<'a>(&self, change: &'a Change) -> Option<Cow<'a, Map>> {
        Some(match change.attributes.as_ref()? {
            Attributes::Replace(attributes) => Cow::Borrowed(attributes),
            Attributes::Merge(attributes) => {
                let mut all = self.attributes.0.clone();
                all.extend(attributes.clone());
                Cow::Owned(all)
            }
        })
    }
}
