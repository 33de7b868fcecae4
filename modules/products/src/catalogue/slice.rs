use sqlx::types::Json;
use sqlx::{PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use super::cursor::{Key, Sort};
use super::list::Filter;
use super::product::ProductRow;
use super::rules::MOST;
use super::search::Terms;
use super::tier::Tier;

/// The rows of one tier of a list that follow a place in it.
#[derive(Clone, Copy)]
pub(super) struct Slice<'a> {
    pub(super) filter: &'a Filter,
    pub(super) sort: Sort,
    pub(super) matching: Option<(Tier, &'a Terms)>,
    pub(super) after: Option<(&'a Key, Uuid)>,
    pub(super) rows: i64,
}

/// Which rows are looked at.
#[derive(Clone, Copy)]
enum Reach<'a> {
    /// The next ones in the list's order, matching or not: so many for each that is wanted.
    Near(i64),
    /// Those that indexes find among the next ones, up to this key.
    Window(&'a Key),
    /// The next ones of each category, by an index that has them in the list's order.
    Branches,
    /// All that have the words.
    Words,
    /// All that indexes find.
    All,
}

/// How many products have the words, which decides where they are soonest found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frequency {
    Rare,
    Frequent,
}

/// As many are soon fetched, wherever they are.
const RARE: f64 = 3000.0;
/// To look at a row takes as long as to fetch one that an index found.
const NEARBY: i64 = 50;
/// Next ones of which an index tells the matching ones; to pass over a row there costs little.
const WINDOWS: [i64; 3] = [10_000, 100_000, 400_000];

/// No page needs more.
const MOST_ROWS: u8 = 101;

impl Slice<'_> {
    /// At a cost that depends neither on the place in the list nor on how frequent a match is.
    pub(super) async fn fetch(
        &self,
        frequency: Frequency,
        pool: &PgPool,
    ) -> Result<Vec<ProductRow>, sqlx::Error> {
        if self.matching.is_some() && frequency == Frequency::Rare {
            return self.fetch_within(Reach::Words, pool).await;
        }
        if !self.narrows() {
            return self.fetch_within(Reach::All, pool).await;
        }
        if self.is_by_category() {
            return self.fetch_within(Reach::Branches, pool).await;
        }
        let rows = self.fetch_within(Reach::Near(NEARBY), pool).await?;
        if self.is_full(&rows) {
            return Ok(rows);
        }
        let windows = match self.matching {
            Some(_) => WINDOWS.as_slice(),
            None => &WINDOWS[..1],
        };
        for window in windows {
            let Some(end) = self.end_of_window(*window, pool).await? else {
                break;
            };
            let rows = self.fetch_within(Reach::Window(&end), pool).await?;
            if self.is_full(&rows) {
                return Ok(rows);
            }
        }
        self.fetch_within(Reach::All, pool).await
    }

    /// `None` when fewer rows follow.
    async fn end_of_window(&self, rows: i64, pool: &PgPool) -> Result<Option<Key>, sqlx::Error> {
        let mut sql = QueryBuilder::new("select ");
        sql.push(self.key()).push(" from products p where true");
        self.push_after(&mut sql);
        if matches!(self.sort, Sort::Price | Sort::PriceDescending) {
            self.push_price(&mut sql);
        }
        self.push_order(&mut sql);
        sql.push(" offset ").push_bind(rows).push(" limit 1");
        Ok(match self.sort {
            Sort::Relevance | Sort::Newest => {
                let end = sql.build_query_scalar().fetch_optional(pool).await?;
                end.map(Key::Newest)
            }
            Sort::Price | Sort::PriceDescending => {
                let end = sql.build_query_scalar().fetch_optional(pool).await?;
                end.map(Key::Price)
            }
            Sort::Name => {
                let end = sql.build_query_scalar().fetch_optional(pool).await?;
                end.map(Key::Name)
            }
        })
    }

    fn is_full<T>(&self, rows: &[T]) -> bool {
        usize::try_from(self.rows).is_ok_and(|wanted| rows.len() >= wanted)
    }

    pub(super) fn narrows(&self) -> bool {
        let filter = self.filter;
        self.matching.is_some()
            || filter.category.is_some()
            || filter.handle.is_some()
            || filter.min_price.is_some()
            || filter.max_price.is_some()
            || filter.in_stock == Some(false)
            || filter.is_active == Some(false)
    }

    /// Nearly all that a category has are wanted.
    fn is_by_category(&self) -> bool {
        let filter = self.filter;
        let by_price = matches!(self.sort, Sort::Price | Sort::PriceDescending);
        filter.category.is_some()
            && self.matching.is_none()
            && filter.handle.is_none()
            && (by_price || filter.min_price.or(filter.max_price).is_none())
            && filter.in_stock != Some(false)
            && filter.is_active != Some(false)
    }

    async fn fetch_within(
        &self,
        reach: Reach<'_>,
        pool: &PgPool,
    ) -> Result<Vec<ProductRow>, sqlx::Error> {
        let columns = "p.id, p.sku, p.name, p.description, p.price_minor, p.currency, \
            p.category_id, p.handle, p.attributes, p.images, p.is_active, p.created_at, p.updated_at, \
            s.on_hand, s.reserved";
        let mut statement = self.statement(columns, reach);
        statement.build_query_as().fetch_all(pool).await
    }

    /// Built at run time: one text with every filter optional could use no index.
    ///
    /// Plans are generic, so estimates know no values: `offset 0` keeps the planner from walking
    /// the list in its order for what is rare, and the constant limit from hashing all stock.
    fn statement(&self, columns: &str, reach: Reach<'_>) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("");
        self.push_tree("with recursive ", " ", &mut sql);
        sql.push("select ").push(columns);
        sql.push(" from (select * from (");
        match reach {
            Reach::Branches => sql.push(
                "select p.* from tree cross join lateral (
                    select * from products p where p.category_id = tree.id",
            ),
            _ => sql.push("select * from products p where true"),
        };
        self.push_after(&mut sql);
        if matches!(self.sort, Sort::Price | Sort::PriceDescending) {
            self.push_price(&mut sql);
        }
        match reach {
            Reach::Near(nearby) => {
                self.push_order(&mut sql);
                sql.push(" limit ")
                    .push_bind(self.rows * nearby)
                    .push(") p where true");
                self.push_conditions(&mut sql);
            }
            Reach::Branches => {
                self.push_rest(&mut sql);
                self.push_order(&mut sql);
                sql.push(" limit ").push_bind(self.rows).push(") p) p");
            }
            Reach::Window(end) => {
                self.push_until(end, &mut sql);
                self.push_filters(self.matching.is_some(), &mut sql);
                sql.push(" offset 0) p");
            }
            Reach::Words => {
                self.push_filters(true, &mut sql);
                sql.push(" offset 0) p");
            }
            Reach::All if self.narrows() => {
                self.push_indexed(&mut sql);
                sql.push(" offset 0) p");
            }
            Reach::All => {
                self.push_conditions(&mut sql);
                sql.push(") p");
            }
        }
        self.push_order(&mut sql);
        sql.push(" limit ").push(MOST_ROWS);
        sql.push(") p join stock s on s.product_id = p.id");
        self.push_order(&mut sql);
        sql.push(" limit ").push_bind(self.rows);
        sql
    }

    /// The categories that products may be in, when that matters, for a `with recursive`.
    pub(super) fn push_tree(&self, before: &str, after: &str, sql: &mut QueryBuilder<Postgres>) {
        let Some(category) = &self.filter.category else {
            return;
        };
        sql.push(before)
            .push("tree as (select id from categories where slug = ");
        sql.push_bind(category).push(" or id = ");
        sql.push_bind(Uuid::parse_str(category).ok());
        sql.push(" union select c.id from categories c join tree on c.parent_id = tree.id)");
        sql.push(after);
    }

    pub(super) fn push_conditions(&self, sql: &mut QueryBuilder<Postgres>) {
        self.push_filters(false, sql);
    }

    /// `plain` where the words lead to few rows: no index is to be read for what is wider, a range of
    /// prices or a category, which `is true` hides from the planner.
    fn push_filters(&self, plain: bool, sql: &mut QueryBuilder<Postgres>) {
        let hide = if plain { " is true" } else { "" };
        if self.filter.category.is_some() {
            sql.push(" and (p.category_id = any(array(select id from tree)))");
            sql.push(hide);
        }
        if plain {
            sql.push(" and (true");
            self.push_price(sql);
            sql.push(") is true");
        } else {
            self.push_price(sql);
        }
        self.push_rest(sql);
    }

    /// The conditions on neither category nor price.
    fn push_rest(&self, sql: &mut QueryBuilder<Postgres>) {
        let filter = self.filter;
        match (filter.inactive_too, filter.is_active) {
            (false, _) | (true, Some(true)) => drop(sql.push(" and p.is_active")),
            (true, Some(false)) => drop(sql.push(" and not p.is_active")),
            (true, None) => {}
        }
        if let Some(handle) = &filter.handle {
            sql.push(" and p.handle = ").push_bind(handle);
        }
        // Row by row: a join would lose the order of the rows.
        let sold_out = " and (select o.product_id from sold_out o where o.product_id = p.id)";
        match filter.in_stock {
            None => {}
            Some(true) => drop(sql.push(sold_out).push(" is null")),
            Some(false) => drop(sql.push(sold_out).push(" is not null")),
        }
        if let Some((tier, terms)) = self.matching {
            tier.push_match(terms, sql);
        }
    }

    /// [`Self::push_conditions`] for a statement that may read in any order.
    pub(super) fn push_indexed(&self, sql: &mut QueryBuilder<Postgres>) {
        self.push_conditions(sql);
        if self.filter.in_stock == Some(false) {
            sql.push(" and p.id in (select o.product_id from sold_out o)");
        }
    }

    fn push_price(&self, sql: &mut QueryBuilder<Postgres>) {
        let Filter {
            min_price,
            max_price,
            ..
        } = self.filter;
        if min_price.or(*max_price).is_some() {
            sql.push(" and p.price_minor between ");
            sql.push_bind(min_price.unwrap_or(0)).push(" and ");
            sql.push_bind(max_price.unwrap_or(MOST));
        }
    }

    /// What the list is sorted by first.
    fn key(&self) -> &'static str {
        match self.sort {
            Sort::Relevance | Sort::Newest => "p.created_at",
            Sort::Price | Sort::PriceDescending => "p.price_minor",
            Sort::Name => r#"p.name collate "und-x-icu""#,
        }
    }

    /// Beside [`Self::push_after`]. Two bounds, because the planner takes that for few rows and so
    /// for worth an index.
    fn push_until(&self, end: &Key, sql: &mut QueryBuilder<Postgres>) {
        let after = self.after.map(|(key, _)| key);
        sql.push(" and ").push(self.key());
        match self.sort {
            Sort::Relevance | Sort::Newest | Sort::PriceDescending => {
                sql.push(" >= ");
                push_key(end, sql);
                sql.push(" and ").push(self.key()).push(" <= ");
                match (after, self.sort) {
                    (Some(key), _) => push_key(key, sql),
                    (None, Sort::PriceDescending) => drop(sql.push(MOST)),
                    (None, _) => drop(sql.push("'infinity'")),
                }
            }
            Sort::Price | Sort::Name => {
                sql.push(" <= ");
                push_key(end, sql);
                sql.push(" and ").push(self.key()).push(" >= ");
                match (after, self.sort) {
                    (Some(key), _) => push_key(key, sql),
                    (None, Sort::Price) => drop(sql.push("0")),
                    (None, _) => drop(sql.push("''")),
                }
            }
        }
    }

    fn push_after(&self, sql: &mut QueryBuilder<Postgres>) {
        let Some((key, id)) = self.after else { return };
        sql.push(match self.sort {
            Sort::Relevance | Sort::Newest => " and (p.created_at, p.id) < (",
            Sort::Price => " and (p.price_minor, p.id) > (",
            Sort::PriceDescending => " and (p.price_minor, p.id) < (",
            Sort::Name => r#" and (p.name collate "und-x-icu", p.id) > ("#,
        });
        push_key(key, sql);
        sql.push(", ").push_bind(id).push(")");
    }

    fn push_order(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(match self.sort {
            Sort::Relevance | Sort::Newest => " order by p.created_at desc, p.id desc",
            Sort::Price => " order by p.price_minor, p.id",
            Sort::PriceDescending => " order by p.price_minor desc, p.id desc",
            Sort::Name => r#" order by p.name collate "und-x-icu", p.id"#,
        });
    }
}

fn push_key(key: &Key, sql: &mut QueryBuilder<Postgres>) {
    match key {
        Key::Newest(created_at) => sql.push_bind(*created_at),
        Key::Price(price_minor) => sql.push_bind(*price_minor),
        Key::Name(name) => sql.push_bind(name.clone()),
    };
}

/// By the statistics of the database: what is nearby may not be like the rest.
pub(super) async fn frequency(terms: &Terms, pool: &PgPool) -> Result<Frequency, sqlx::Error> {
    // A literal, because a plan that has parameters knows nothing of their values.
    let mut sql = QueryBuilder::new("explain (format json) select from products where search @@ '");
    sql.push(Tier::Any.words(terms).replace('\'', "''"));
    sql.push("'::tsquery");
    let plan = sql.build_query_scalar().persistent(false);
    let Json(plan): Json<serde_json::Value> = plan.fetch_one(pool).await?;
    let rows = plan[0]["Plan"]["Plan Rows"].as_f64().unwrap_or_default();
    Ok(match rows < RARE {
        true => Frequency::Rare,
        false => Frequency::Frequent,
    })
}
