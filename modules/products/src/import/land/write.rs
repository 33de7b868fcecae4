//! The bulk statements, and products as the arrays that they take.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Lander;
use crate::import::change::{Attributes, Change, Cleared};

impl Lander<'_> {
    pub(super) async fn write_new(
        &self,
        tx: &mut PgConnection,
        new: &Columns<'_>,
    ) -> Result<HashSet<Uuid>, sqlx::Error> {
        let made = sqlx::query_scalar!(
            r#"
            insert into products
                (id, sku, name, description, price_minor, currency, category_id, handle,
                 attributes, is_active)
            select u.id, u.sku, u.name, coalesce(u.description, ''), u.price_minor, $1,
                u.category_id, u.handle, coalesce(u.attributes, '{}')::jsonb,
                coalesce(u.is_active, true)
            from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::uuid[],
                    $8::text[], $9::text[], $10::boolean[])
                as u(id, sku, name, description, price_minor, category_id, handle, attributes,
                    is_active)
            on conflict (sku) do nothing
            returning id
            "#,
            self.currency.code(),
            &new.ids,
            &new.skus as &[&str],
            &new.names as &[Option<&str>],
            &new.descriptions as &[Option<&str>],
            &new.prices as &[Option<i64>],
            &new.categories as &[Option<Uuid>],
            &new.handles as &[Option<&str>],
            &new.attributes as &[Option<String>],
            &new.active as &[Option<bool>],
        )
        .fetch_all(tx)
        .await?;
        Ok(made.into_iter().collect())
    }

    /// Leaves rows alone that are already as they should be.
    pub(super) async fn write_updates(
        &self,
        tx: &mut PgConnection,
        to: &Columns<'_>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query_scalar!(
            r#"
            update products p
            set name = n.name, description = n.description, price_minor = n.price_minor,
                currency = n.currency, category_id = n.category_id, handle = n.handle,
                attributes = n.attributes, is_active = n.is_active, updated_at = now()
            from (
                select o.id,
                    coalesce(u.name, o.name) as name,
                    coalesce(u.description, o.description) as description,
                    coalesce(u.price_minor, o.price_minor) as price_minor,
                    case when u.price_minor is null then o.currency else $1 end as currency,
                    case when u.sets_category then u.category_id else o.category_id end
                        as category_id,
                    case when u.sets_handle then u.handle else o.handle end as handle,
                    case when u.merges then o.attributes else '{}' end
                        || coalesce(u.attributes::jsonb, o.attributes) as attributes,
                    coalesce(u.is_active, o.is_active) as is_active
                from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::boolean[],
                        $7::uuid[], $8::boolean[], $9::text[], $10::boolean[], $11::text[],
                        $12::boolean[])
                    as u(id, name, description, price_minor, sets_category, category_id,
                        sets_handle, handle, merges, attributes, is_active)
                join products o on o.id = u.id
            ) n
            where p.id = n.id
                and (p.name, p.description, p.price_minor, p.currency, p.category_id, p.handle,
                    p.attributes, p.is_active)
                is distinct from (n.name, n.description, n.price_minor, n.currency,
                    n.category_id, n.handle, n.attributes, n.is_active)
            returning p.id
            "#,
            self.currency.code(),
            &to.ids,
            &to.names as &[Option<&str>],
            &to.descriptions as &[Option<&str>],
            &to.prices as &[Option<i64>],
            &to.sets_category,
            &to.categories as &[Option<Uuid>],
            &to.sets_handle,
            &to.handles as &[Option<&str>],
            &to.merges,
            &to.attributes as &[Option<String>],
            &to.active as &[Option<bool>],
        )
        .fetch_all(tx)
        .await?;
        Ok(())
    }

    pub(super) async fn write_stock(
        &self,
        tx: &mut PgConnection,
        to: &OnHand,
    ) -> Result<(), sqlx::Error> {
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
            &to.ids,
            &to.levels,
            &to.deltas,
            self.actor,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// Products as arrays, for bulk statements.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) ids: Vec<Uuid>,
    skus: Vec<&'a str>,
    names: Vec<Option<&'a str>>,
    descriptions: Vec<Option<&'a str>>,
    prices: Vec<Option<i64>>,
    sets_category: Vec<bool>,
    categories: Vec<Option<Uuid>>,
    sets_handle: Vec<bool>,
    handles: Vec<Option<&'a str>>,
    merges: Vec<bool>,
    attributes: Vec<Option<String>>,
    active: Vec<Option<bool>>,
}

impl<'a> Columns<'a> {
    pub(super) fn push(&mut self, id: Uuid, change: &'a Change, category: Option<Uuid>) {
        let handle = change.handle.as_ref().and_then(Cleared::value);
        let attributes = change.attributes.as_ref();
        self.ids.push(id);
        self.skus.push(&change.sku);
        self.names.push(change.name.as_deref());
        self.descriptions.push(change.description.as_deref());
        self.prices.push(change.price_minor);
        self.sets_category.push(change.category.is_some());
        self.categories.push(category);
        self.sets_handle.push(change.handle.is_some());
        self.handles.push(handle.map(String::as_str));
        self.merges
            .push(matches!(attributes, Some(Attributes::Merge(_))));
        self.attributes.push(attributes.map(json));
        self.active.push(change.is_active);
    }
}

fn json(attributes: &Attributes) -> String {
    let members = attributes
        .map()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    serde_json::Value::Object(members).to_string()
}

/// New levels of stock, and by how much each differs from the one before.
#[derive(Default)]
pub(super) struct OnHand {
    pub(super) ids: Vec<Uuid>,
    levels: Vec<i64>,
    deltas: Vec<i64>,
}

impl OnHand {
    pub(super) fn push(&mut self, id: Uuid, level: i64, delta: i64) {
        self.ids.push(id);
        self.levels.push(level);
        self.deltas.push(delta);
    }
}
