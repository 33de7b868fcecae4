//! What a filtered list has, counted, so that a client can offer to narrow it further.
//!
//! In bounded time, whatever the size of the catalogue: at most [`COUNTED`] products are counted.
//! Those that an index leads to, when that is soon done; otherwise the matching ones among the
//! newest of all. An answer that may leave some out is marked as approximate.

use std::time::Duration;

use platform::Pool;
use platform::db::{Failure, failure};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{Postgres, QueryBuilder};
use utoipa::ToSchema;
use uuid::Uuid;

use super::cursor::Sort;
use super::list::Filter;
use super::product::Money;
use super::search;
use super::slice::{self, Slice};
use super::tier::Tier;

/// How many products are looked at.
const COUNTED: i32 = 10_000;
/// How long an index may be asked.
const PATIENCE: Duration = Duration::from_millis(500);

/// Counts over all pages of a list, as it is filtered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Facets {
    /// How many products were counted.
    #[schema(minimum = 0, example = 42)]
    pub(crate) counted: i64,
    /// Not all were counted, as they are many: each count may be higher, the range of prices wider.
    pub(crate) approximate: bool,
    /// The 100 with the most products, which include those of their descendants.
    pub(crate) categories: Vec<CategoryCount>,
    /// `null` without products.
    #[schema(required)]
    pub(crate) price: Option<PriceRange>,
    pub(crate) availability: Availability,
    /// The 30 most frequent, each with its 30 most frequent values.
    pub(crate) attributes: Vec<AttributeCount>,
}

/// A category and how many products are in it or below it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct CategoryCount {
    pub(crate) id: Uuid,
    #[schema(example = "candles")]
    pub(crate) slug: String,
    #[schema(example = "Candles")]
    pub(crate) name: String,
    #[schema(minimum = 1)]
    pub(crate) count: i64,
}

/// The lowest and the highest price.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceRange {
    pub(crate) min: Money,
    pub(crate) max: Money,
}

/// How many products can be had now, and how many cannot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Availability {
    #[schema(minimum = 0)]
    pub(crate) in_stock: i64,
    #[schema(minimum = 0)]
    pub(crate) out_of_stock: i64,
}

/// An attribute and its values.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AttributeCount {
    #[schema(example = "colour")]
    pub(crate) name: String,
    pub(crate) values: Vec<ValueCount>,
}

/// A value and how many products have it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ValueCount {
    #[schema(example = "blue")]
    pub(crate) value: String,
    #[schema(minimum = 1)]
    pub(crate) count: i64,
}

#[derive(Default, sqlx::FromRow)]
struct Counts {
    counted: i64,
    in_stock: i64,
    lowest: Option<i64>,
    highest: Option<i64>,
    categories: Json<Vec<CategoryCount>>,
    attributes: Json<Vec<AttributeCount>>,
    approximate: bool,
}

impl Counts {
    fn in_currency(self, currency: &str) -> Facets {
        let money = |amount| Money {
            amount,
            currency: currency.to_owned(),
        };
        let range = self.lowest.zip(self.highest);
        Facets {
            counted: self.counted,
            approximate: self.approximate,
            categories: self.categories.0,
            price: range.map(|(min, max)| PriceRange {
                min: money(min),
                max: money(max),
            }),
            availability: Availability {
                in_stock: self.in_stock,
                out_of_stock: self.counted - self.in_stock,
            },
            attributes: self.attributes.0,
        }
    }
}

/// Of the list that has this filter and this query.
pub(crate) async fn facets(
    pool: &Pool,
    query: Option<&str>,
    filter: &Filter,
    currency: &str,
) -> Result<Facets, sqlx::Error> {
    if filter.is_empty() {
        return Ok(Counts::default().in_currency(currency));
    }
    let categories = filter.categories(pool).await?;
    let slice = |matching| Slice {
        filter,
        categories: categories.as_deref(),
        sort: Sort::Newest,
        matching,
        after: None,
        rows: 0,
    };
    let Some(query) = query else {
        let counts = count(pool, &slice(None)).await?;
        return Ok(counts.in_currency(currency));
    };
    let terms = search::terms(&mut *pool.acquire().await?, query, None).await?;
    let Some(terms) = terms else {
        return Ok(Counts::default().in_currency(currency));
    };
    let mut counts = count(pool, &slice(Some((Tier::Any, &terms)))).await?;
    // As the list: guesses only when there is nothing else.
    if counts.counted == 0 && terms.has_guesses() {
        counts = count(pool, &slice(Some((Tier::Guess, &terms)))).await?;
    }
    Ok(counts.in_currency(currency))
}

async fn count(pool: &Pool, slice: &Slice<'_>) -> Result<Counts, sqlx::Error> {
    if slice.narrows() {
        match count_indexed(pool, slice).await {
            Err(error) if failure(&error) == Failure::Timeout => {}
            counted => return counted,
        }
    }
    let mut statement = statement(slice, Among::Newest);
    statement.build_query_as().fetch_one(pool).await
}

async fn count_indexed(pool: &Pool, slice: &Slice<'_>) -> Result<Counts, sqlx::Error> {
    let mut tx = slice::begin(pool).await?;
    sqlx::query!(
        "select set_config('statement_timeout', $1, true)",
        PATIENCE.as_millis().to_string()
    )
    .fetch_one(&mut *tx)
    .await?;
    let mut statement = statement(slice, Among::All);
    let counts = statement.build_query_as().fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(counts)
}

#[derive(Clone, Copy)]
enum Among {
    /// The first that an index finds.
    All,
    /// Those that match among the newest of the catalogue.
    Newest,
}

/// Built at run time, as lists are, and planned for these values. Stock is looked up row by row: the
/// planner would rather hash all of it.
fn statement(slice: &Slice<'_>, among: Among) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(
        "with recursive found as materialized (
            select p.category_id, p.price_minor, p.attributes,
                (select s.on_hand > s.reserved from stock s where s.product_id = p.id) as in_stock
            from ",
    );
    match among {
        Among::All => drop(sql.push("products p")),
        Among::Newest => {
            sql.push("(select * from products p order by p.created_at desc, p.id desc limit ");
            sql.push(COUNTED).push(") p");
        }
    }
    sql.push(" where true");
    match among {
        Among::All => slice.push_indexed(&mut sql),
        Among::Newest => slice.push_conditions(&mut sql),
    }
    sql.push(" limit ").push(COUNTED).push(AGGREGATES);
    match among {
        Among::All => drop(sql.push("(select count(*) from found) >= ")),
        Among::Newest => {
            sql.push("(select count(*) from (select from products limit ");
            sql.push(COUNTED + 1).push(") p) > ");
        }
    }
    sql.push(COUNTED).push(" as approximate");
    sql
}

const AGGREGATES: &str = r#"),
    direct as (
        select category_id as id, count(*) as products from found
        where category_id is not null group by category_id
    ),
    upwards (id, products, level) as (
        select id, products, 1 from direct
        union all
        select c.parent_id, u.products, u.level + 1
        from upwards u join categories c on c.id = u.id
        where c.parent_id is not null and u.level < 64
    ),
    category as (
        select c.id, c.slug, c.name, sum(u.products)::bigint as count
        from upwards u join categories c on c.id = u.id
        group by c.id order by count desc, c.name, c.id limit 100
    ),
    pair as (
        select a.key as name, a.value, count(*) as count
        from found, jsonb_each_text(found.attributes) a
        where a.key <> 'image_src' and char_length(a.value) between 1 and 100
        group by a.key, a.value
    ),
    ranked as (
        select name, value, count, sum(count) over (partition by name) as total,
            row_number() over (partition by name order by count desc, value) as place
        from pair
    ),
    attribute as (
        select name, total,
            jsonb_agg(jsonb_build_object('value', value, 'count', count) order by place) as values
        from ranked where place <= 30
        group by name, total order by total desc, name limit 30
    )
    select
        (select count(*) from found) as counted,
        (select count(*) from found where in_stock) as in_stock,
        (select min(price_minor) from found) as lowest,
        (select max(price_minor) from found) as highest,
        (select coalesce(jsonb_agg(category order by count desc, name, id), '[]') from category)
            as categories,
        (select coalesce(jsonb_agg(jsonb_build_object('name', name, 'values', values)
            order by total desc, name), '[]') from attribute) as attributes,
        "#;
