//! The bulk statements, and products as the arrays that they take.

use iso_currency::Currency;
use sqlx::PgConnection;
use uuid::Uuid;

use super::stored::{Map, Target};
use crate::import::change::{Change, Cleared};
use crate::words;

/// Products that are not there yet.
#[derive(Default)]
pub(super) struct New<'a> {
    ids: Vec<Uuid>,
    skus: Vec<&'a str>,
    names: Vec<Option<&'a str>>,
    descriptions: Vec<&'a str>,
    prices: Vec<Option<i64>>,
    categories: Vec<Option<Uuid>>,
    handles: Vec<Option<&'a str>>,
    attributes: Vec<String>,
    active: Vec<bool>,
    searches: Vec<String>,
    on_hand: Vec<i64>,
}

impl<'a> New<'a> {
    pub(super) fn push(&mut self, change: &'a Change, category: Option<Uuid>) {
        let none = Map::new();
        let attributes = change.attributes.as_ref();
        let attributes = attributes.map_or(&none, |attributes| attributes.map());
        let handle = change.handle.as_ref().and_then(Cleared::value);
        let description = change.description.as_deref().unwrap_or_default();
        let name = change.name.as_deref();
        self.ids.push(change.id);
        self.skus.push(&change.sku);
        self.names.push(name);
        self.descriptions.push(description);
        self.prices.push(change.price_minor);
        self.categories.push(category);
        self.handles.push(handle.map(String::as_str));
        self.attributes.push(json(attributes));
        self.active.push(change.is_active.unwrap_or(true));
        self.searches.push(words::document(
            &change.sku,
            name.unwrap_or_default(),
            attributes,
            description,
        ));
        self.on_hand.push(change.on_hand.unwrap_or(0));
    }

    pub(super) fn len(&self) -> u64 {
        self.ids.len() as u64
    }

    pub(super) fn documents(&self) -> Vec<&str> {
        self.searches.iter().map(String::as_str).collect()
    }

    pub(super) async fn write(
        &self,
        tx: &mut PgConnection,
        currency: Currency,
        actor: Option<Uuid>,
    ) -> Result<(), sqlx::Error> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"
            insert into products
                (id, sku, name, description, price_minor, currency, category_id, handle,
                 attributes, is_active, search)
            select u.id, u.sku, u.name, u.description, u.price_minor, $1, u.category_id, u.handle,
                u.attributes::jsonb, u.is_active, array_to_tsvector(string_to_array(u.search, ' '))
            from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::uuid[],
                    $8::text[], $9::text[], $10::boolean[], $11::text[])
                as u(id, sku, name, description, price_minor, category_id, handle, attributes,
                    is_active, search)
            "#,
            currency.code(),
            &self.ids,
            &self.skus as &[&str],
            &self.names as &[Option<&str>],
            &self.descriptions as &[&str],
            &self.prices as &[Option<i64>],
            &self.categories as &[Option<Uuid>],
            &self.handles as &[Option<&str>],
            &self.attributes,
            &self.active,
            &self.searches,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            r#"
            with moved as (
                insert into stock_movements (product_id, delta, reason, actor)
                select u.id, u.on_hand, 'import', $3
                from unnest($1::uuid[], $2::bigint[]) as u(id, on_hand)
                where u.on_hand <> 0
            )
            insert into stock (product_id, on_hand)
            select * from unnest($1::uuid[], $2::bigint[])
            "#,
            &self.ids,
            &self.on_hand,
            actor,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// What products are to become, which the transaction has locked.
#[derive(Default)]
pub(super) struct Updates<'a> {
    ids: Vec<Uuid>,
    names: Vec<Option<&'a str>>,
    descriptions: Vec<Option<&'a str>>,
    prices: Vec<i64>,
    currencies: Vec<&'a str>,
    categories: Vec<Option<Uuid>>,
    handles: Vec<Option<&'a str>>,
    attributes: Vec<Option<String>>,
    active: Vec<bool>,
    searches: Vec<Option<&'a str>>,
}

impl<'a> Updates<'a> {
    pub(super) fn of(targets: impl Iterator<Item = &'a Target<'a>>) -> Self {
        let mut updates = Self::default();
        for target in targets {
            updates.ids.push(target.id);
            updates.names.push(target.name);
            updates.descriptions.push(target.description);
            updates.prices.push(target.price_minor);
            updates.currencies.push(target.currency);
            updates.categories.push(target.category_id);
            updates.handles.push(target.handle);
            updates
                .attributes
                .push(target.attributes.as_deref().map(json));
            updates.active.push(target.is_active);
            updates.searches.push(target.search.as_deref());
        }
        updates
    }

    pub(super) fn documents(&self) -> Vec<&'a str> {
        self.searches.iter().copied().flatten().collect()
    }

    pub(super) async fn write(&self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"
            update products p
            set name = coalesce(u.name, p.name),
                description = coalesce(u.description, p.description),
                price_minor = u.price_minor, currency = u.currency, category_id = u.category_id,
                handle = u.handle, attributes = coalesce(u.attributes::jsonb, p.attributes),
                is_active = u.is_active, updated_at = now(),
                search = coalesce(array_to_tsvector(string_to_array(u.search, ' ')), p.search)
            from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::uuid[],
                    $7::text[], $8::text[], $9::boolean[], $10::text[])
                as u(id, name, description, price_minor, currency, category_id, handle, attributes,
                    is_active, search)
            where p.id = u.id
            "#,
            &self.ids,
            &self.names as &[Option<&str>],
            &self.descriptions as &[Option<&str>],
            &self.prices,
            &self.currencies as &[&str],
            &self.categories as &[Option<Uuid>],
            &self.handles as &[Option<&str>],
            &self.attributes as &[Option<String>],
            &self.active,
            &self.searches as &[Option<&str>],
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

fn json(attributes: &Map) -> String {
    serde_json::json!(attributes).to_string()
}

/// New levels of stock, and by how much each differs from the one before.
#[derive(Default)]
pub(super) struct OnHand {
    ids: Vec<Uuid>,
    levels: Vec<i64>,
    deltas: Vec<i64>,
}

impl OnHand {
    pub(super) fn push(&mut self, id: Uuid, level: i64, delta: i64) {
        self.ids.push(id);
        self.levels.push(level);
        self.deltas.push(delta);
    }

    pub(super) async fn write(
        &self,
        tx: &mut PgConnection,
        actor: Option<Uuid>,
    ) -> Result<(), sqlx::Error> {
        if self.ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"
            with moved as (
                insert into stock_movements (product_id, delta, reason, actor)
                select u.id, u.delta, 'import', $4
                from unnest($1::uuid[], $3::bigint[]) as u(id, delta)
                where u.delta <> 0
            )
            insert into stock (product_id, on_hand)
            select u.id, u.on_hand from unnest($1::uuid[], $2::bigint[]) as u(id, on_hand)
            on conflict (product_id) do update set on_hand = excluded.on_hand
            "#,
            &self.ids,
            &self.levels,
            &self.deltas,
            actor,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}
