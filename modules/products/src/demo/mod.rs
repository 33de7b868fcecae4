//! A made-up catalogue, the same one for the same seed.

mod allocate;
mod kinds;
mod product;
mod words;

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, stream};
use iso_currency::Currency;
use platform::Pool;
use platform::db::{self, retry_contention};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use self::product::{Draw, rng};
use self::words::CATEGORIES;
use crate::bulk;
use crate::words::{document, taught, teach};

pub use allocate::{Allocated, DemoAllocation, DemoAllocationLine, allocate_demo, ship_demo};
pub use product::{DemoProduct, demo_product};

/// Products in one statement.
const CHUNK: u64 = 2_000;

/// Postgres works on one chunk while the next is made.
const CONNECTIONS: usize = 2;

/// Stores the first `count` of [`demo_product`] with their categories and stock, and answers how
/// many were new: those whose SKU is there already stay as they are. `progress` is told how many
/// are done.
pub async fn load_demo(
    pool: &Pool,
    currency: Currency,
    count: u64,
    seed: u64,
    progress: impl Fn(u64),
) -> Result<u64, sqlx::Error> {
    let categories = &make_categories(pool, seed).await?;
    let starts = (0..count).step_by(usize::try_from(CHUNK).unwrap_or(1));
    let mut chunks = stream::iter(starts)
        .map(|start| async move {
            let indices = start..count.min(start + CHUNK);
            let size = indices.end - indices.start;
            let products = indices.map(|index| demo_product(seed, index, currency));
            let columns = Columns::of(products, categories);
            let added = retry_contention(|| insert(pool, currency, &columns)).await?;
            Ok::<_, sqlx::Error>((size, added))
        })
        .buffer_unordered(CONNECTIONS);
    let (mut done, mut added) = (0, 0);
    while let Some(chunk) = chunks.next().await {
        let (size, new) = chunk?;
        done += size;
        added += new;
        progress(done);
    }
    bulk::finish(pool, added).await;
    Ok(added)
}

/// The demo's categories by slug.
async fn make_categories(
    pool: &Pool,
    seed: u64,
) -> Result<HashMap<&'static str, Uuid>, sqlx::Error> {
    let mut tx = db::begin(pool).await?;
    let mut ids = HashMap::new();
    for (index, (name, slug, parent)) in (0..).zip(CATEGORIES) {
        let parent = parent.and_then(|parent| ids.get(parent).copied());
        let id = make_category(&mut tx, fresh_id(seed, index), name, slug, parent).await?;
        ids.insert(*slug, id);
    }
    tx.commit().await?;
    Ok(ids)
}

fn fresh_id(seed: u64, index: u64) -> Uuid {
    use rand::RngExt;
    let random = rng(seed, Draw::Category, index).random();
    uuid::Builder::from_unix_timestamp_millis(product::EPOCH_S * 1000, &random).into_uuid()
}

async fn make_category(
    tx: &mut PgConnection,
    id: Uuid,
    name: &str,
    slug: &str,
    parent: Option<Uuid>,
) -> Result<Uuid, sqlx::Error> {
    sqlx::query!(
        "insert into categories (id, name, slug, parent_id) values ($1, $2, $3, $4)
         on conflict do nothing",
        id,
        name,
        slug,
        parent,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query_scalar!("select id from categories where slug = $1", slug)
        .fetch_one(tx)
        .await
}

/// Products as Postgres takes arrays.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    skus: Vec<String>,
    names: Vec<String>,
    descriptions: Vec<String>,
    prices: Vec<i64>,
    categories: Vec<Uuid>,
    handles: Vec<String>,
    attributes: Vec<String>,
    searches: Vec<String>,
    on_hand: Vec<i64>,
    created_at: Vec<OffsetDateTime>,
}

impl Columns {
    fn of(
        products: impl Iterator<Item = DemoProduct>,
        categories: &HashMap<&'static str, Uuid>,
    ) -> Self {
        let mut columns = Self::default();
        for product in products {
            // Every category of the demo is among them.
            let category = categories
                .get(product.category)
                .copied()
                .unwrap_or_default();
            columns.searches.push(document(
                &product.sku,
                &product.name,
                &product.attributes,
                &product.description,
            ));
            columns.ids.push(product.id);
            columns.skus.push(product.sku);
            columns.names.push(product.name);
            columns.descriptions.push(product.description);
            columns.prices.push(product.price.amount);
            columns.categories.push(category);
            columns.handles.push(product.handle);
            columns
                .attributes
                .push(serde_json::json!(product.attributes).to_string());
            columns.on_hand.push(product.on_hand);
            columns.created_at.push(product.created_at);
        }
        columns
    }
}

async fn insert(pool: &Pool, currency: Currency, products: &Columns) -> Result<u64, sqlx::Error> {
    let mut tx = bulk::begin(pool).await?;
    let taught = products.searches.iter().flat_map(|words| taught(words));
    let taught: HashSet<&str> = taught.collect();
    teach(&mut tx, taught).await?;
    let added = sqlx::query_scalar!(
        "insert into products
             (id, sku, name, description, price_minor, currency, category_id, handle, attributes,
              created_at, updated_at, search)
         select u.id, u.sku, u.name, u.description, u.price_minor, $1, u.category_id, u.handle,
             u.attributes::jsonb, u.created_at, u.created_at,
             array_to_tsvector(string_to_array(u.search, ' '))
         from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::uuid[],
                 $8::text[], $9::text[], $10::timestamptz[], $11::text[])
             as u(id, sku, name, description, price_minor, category_id, handle, attributes,
                 created_at, search)
         where not exists (select from products known where known.sku = u.sku)
         on conflict do nothing
         returning id",
        currency.code(),
        &products.ids,
        &products.skus,
        &products.names,
        &products.descriptions,
        &products.prices,
        &products.categories,
        &products.handles,
        &products.attributes,
        &products.created_at,
        &products.searches,
    )
    .fetch_all(&mut *tx)
    .await?;
    let added: HashSet<Uuid> = added.into_iter().collect();
    insert_stock(&mut tx, products, &added).await?;
    tx.commit().await?;
    Ok(added.len() as u64)
}

async fn insert_stock(
    tx: &mut PgConnection,
    products: &Columns,
    added: &HashSet<Uuid>,
) -> Result<(), sqlx::Error> {
    let (mut ids, mut on_hand, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for (index, id) in products.ids.iter().enumerate() {
        if added.contains(id) {
            ids.push(*id);
            on_hand.push(products.on_hand[index]);
            times.push(products.created_at[index]);
        }
    }
    sqlx::query!(
        "with moved as (
             insert into stock_movements (product_id, delta, reason, created_at)
             select u.id, u.on_hand, 'demo', u.created_at
             from unnest($1::uuid[], $2::bigint[], $3::timestamptz[])
                 as u(id, on_hand, created_at)
         )
         insert into stock (product_id, on_hand)
         select * from unnest($1::uuid[], $2::bigint[])",
        &ids,
        &on_hand,
        &times,
    )
    .execute(tx)
    .await?;
    Ok(())
}
