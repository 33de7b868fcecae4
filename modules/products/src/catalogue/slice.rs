use platform::db;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, PgTransaction, Postgres, QueryBuilder};
use uuid::Uuid;

use super::cursor::{Key, Sort};
use super::list::Filter;
use super::product::ProductRow;
use super::rules::MOST;
use super::search::{SOON_FETCHED, Terms};
use super::tier::Tier;

/// The rows of one tier of a list that follow a place in it.
#[derive(Clone, Copy)]
pub(super) struct Slice<'a> {
    pub(super) filter: &'a Filter,
    /// The categories that the filter allows; see [`Filter::categories`].
    pub(super) categories: Option<&'a [Uuid]>,
    pub(super) sort: Sort,
    pub(super) matching: Option<(Tier, &'a Terms)>,
    pub(super) after: Option<(&'a Key, Uuid)>,
    pub(super) rows: i64,
}

/// Which rows are looked at.
#[derive(Clone, Copy)]
enum Reach {
    /// So many next ones in the list's order, matching or not.
    Near(i64),
    /// The next ones of each category, by an index that has them in the list's order.
    Branches,
    /// All that indexes find.
    All,
}

/// A transaction whose statements are planned for the values that they are given, and which keeps
/// in mind every row that an index finds among a million, not only its page.
pub(super) async fn begin(pool: &PgPool) -> Result<PgTransaction<'static>, sqlx::Error> {
    db::begin_with(
        pool,
        "begin read only; \
        set local plan_cache_mode = force_custom_plan; \
        set local work_mem = '16MB'",
    )
    .await
}

/// No page needs more.
const MOST_ROWS: u8 = 101;

impl Slice<'_> {
    /// At a cost that depends neither on the place in the list nor on how frequent a match is: what
    /// is rare is fetched whole and sorted, what is frequent is met on the way.
    ///
    /// Of the database, a transaction of [`begin`] is expected where an index has to be chosen.
    pub(super) async fn fetch(
        &self,
        db: &mut PgConnection,
    ) -> Result<Vec<ProductRow>, sqlx::Error> {
        if !self.narrows() {
            return self.fetch_within(Reach::All, db).await;
        }
        if self.is_by_category() {
            return self.fetch_within(Reach::Branches, db).await;
        }
        for near in self.nearby(db).await? {
            let rows = self.fetch_within(Reach::Near(near), db).await?;
            if self.is_full(&rows) {
                return Ok(rows);
            }
        }
        self.fetch_within(Reach::All, db).await
    }

    /// How many of the next rows to look at for those that are wanted, and how many if that was not
    /// enough; none when all that match are sooner fetched.
    async fn nearby(&self, db: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
        if self
            .words()
            .is_some_and(|products| products <= SOON_FETCHED)
        {
            return Ok(Vec::new());
        }
        let mut sql = QueryBuilder::new("explain (format json) select from products p where true");
        self.push_categories(&mut sql);
        self.push_price(&mut sql);
        self.push_own(&mut sql);
        self.push_sold_out(&mut sql);
        sql.push(" union all select from products");
        let plan = sql.build_query_scalar().persistent(false);
        let Json(plan): Json<serde_json::Value> = plan.fetch_one(db).await?;
        let estimate = Estimate::of(&plan, self.words());
        Ok(estimate.nearby(self.rows))
    }

    /// About how many products have the words.
    fn words(&self) -> Option<i64> {
        self.matching.map(|(tier, terms)| tier.products(terms))
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
    pub(super) fn is_by_category(&self) -> bool {
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
        reach: Reach,
        db: &mut PgConnection,
    ) -> Result<Vec<ProductRow>, sqlx::Error> {
        let columns = "p.id, p.sku, p.name, p.description, p.price_minor, p.currency, \
            p.category_id, p.handle, p.attributes, p.images, p.is_active, p.created_at, p.updated_at, \
            s.on_hand, s.reserved";
        let mut statement = self.statement(columns, reach);
        statement.build_query_as().fetch_all(db).await
    }

    /// Built at run time: one text with every filter optional could use no index.
    ///
    /// `offset 0` keeps the planner from walking the list in its order for what is rare, and the
    /// constant limit from hashing all stock.
    fn statement(&self, columns: &str, reach: Reach) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select ");
        sql.push(columns).push(" from (select * from (");
        match (reach, self.categories) {
            (Reach::Branches, Some(categories)) => {
                sql.push("select p.* from unnest(").push_bind(categories);
                sql.push(
                    ") tree (id) cross join lateral (
                        select * from products p where p.category_id = tree.id",
                );
            }
            _ => drop(sql.push("select * from products p where true")),
        }
        self.push_after(&mut sql);
        if matches!(self.sort, Sort::Price | Sort::PriceDescending) {
            self.push_price(&mut sql);
        }
        match reach {
            Reach::Near(nearby) => {
                self.push_order(&mut sql);
                sql.push(" limit ").push_bind(nearby);
                sql.push(") p where true");
                self.push_conditions(&mut sql);
            }
            Reach::Branches => {
                self.push_rest(&mut sql);
                self.push_order(&mut sql);
                sql.push(" limit ").push_bind(self.rows).push(") p) p");
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

    /// For rows that are looked at one by one, in an order that a join would lose.
    pub(super) fn push_conditions(&self, sql: &mut QueryBuilder<Postgres>) {
        self.push_categories(sql);
        self.push_price(sql);
        self.push_rest(sql);
    }

    /// The conditions on neither category nor price.
    fn push_rest(&self, sql: &mut QueryBuilder<Postgres>) {
        self.push_own(sql);
        let sold_out = " and (select o.product_id from sold_out o where o.product_id = p.id)";
        match self.filter.in_stock {
            None => {}
            Some(true) => drop(sql.push(sold_out).push(" is null")),
            Some(false) => drop(sql.push(sold_out).push(" is not null")),
        }
        if let Some((tier, terms)) = self.matching {
            tier.push_match(terms, sql);
        }
    }

    /// For a statement that may read in any order. Where the words lead to fewer rows than an index
    /// on categories or prices would have to be read for, `is true` hides those from the planner.
    pub(super) fn push_indexed(&self, sql: &mut QueryBuilder<Postgres>) {
        self.push_beside_words(SOON_FETCHED, sql, Self::push_categories);
        self.push_beside_words(4 * SOON_FETCHED, sql, Self::push_price);
        self.push_own(sql);
        self.push_sold_out(sql);
        if let Some((tier, terms)) = self.matching {
            tier.push_indexed(terms, sql);
        }
    }

    fn push_beside_words(
        &self,
        few: i64,
        sql: &mut QueryBuilder<Postgres>,
        push: fn(&Self, &mut QueryBuilder<Postgres>),
    ) {
        let hide = self.words().is_some_and(|products| products <= few);
        sql.push(if hide { " and (true" } else { "" });
        push(self, sql);
        sql.push(if hide { ") is true" } else { "" });
    }

    fn push_categories(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Some(categories) = self.categories {
            sql.push(" and p.category_id = any(");
            sql.push_bind(categories.to_vec()).push(")");
        }
    }

    /// The conditions on columns that have few values.
    fn push_own(&self, sql: &mut QueryBuilder<Postgres>) {
        let filter = self.filter;
        match (filter.inactive_too, filter.is_active) {
            (false, _) | (true, Some(true)) => drop(sql.push(" and p.is_active")),
            (true, Some(false)) => drop(sql.push(" and not p.is_active")),
            (true, None) => {}
        }
        if let Some(handle) = &filter.handle {
            sql.push(" and p.handle = ").push_bind(handle);
        }
    }

    fn push_sold_out(&self, sql: &mut QueryBuilder<Postgres>) {
        let sold_out = "exists (select from sold_out o where o.product_id = p.id)";
        match self.filter.in_stock {
            None => {}
            Some(true) => drop(sql.push(" and not ").push(sold_out)),
            Some(false) => drop(sql.push(" and ").push(sold_out)),
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

/// How many products there are.
#[derive(Debug)]
struct Estimate {
    all: i64,
    /// That an index finds, if not all of them match.
    found: i64,
    matching: i64,
}

impl Estimate {
    /// How many times the rows are looked at that hold what is wanted when matches lie evenly.
    const MARGIN: i64 = 4;
    /// Beyond this part of what an index finds, the list's order has little to do with what is
    /// looked for, and to look at the next rows costs as much as to fetch all.
    const WORTHWHILE: i64 = 8;

    /// From a plan that appends those that pass the filters and all, and from how many have the
    /// words.
    fn of(plan: &serde_json::Value, words: Option<i64>) -> Self {
        let rows = |nth: usize| plan[0]["Plan"]["Plans"][nth]["Plan Rows"].as_i64();
        let (passing, all) = rows(0).zip(rows(1)).unwrap_or_default();
        let found = words.unwrap_or(passing);
        let matching = match words {
            Some(words) => passing.saturating_mul(words) / all.max(1),
            None => passing,
        };
        Self {
            all,
            found,
            matching,
        }
    }

    fn nearby(&self, wanted: i64) -> Vec<i64> {
        if self.found <= SOON_FETCHED {
            return Vec::new();
        }
        let near = Self::MARGIN * wanted * self.all / self.matching.max(1);
        let farther = Some(self.found / Self::WORTHWHILE).filter(|rows| *rows > 2 * near);
        let near = Some(near).filter(|near| 2 * near <= self.found);
        near.into_iter().chain(farther).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frequent_is_looked_for_nearby() {
        let nearby = |passing: i64, words| {
            let plan = serde_json::json!([{ "Plan": { "Plans": [
                { "Plan Rows": passing }, { "Plan Rows": 1_000_000 },
            ] } }]);
            Estimate::of(&plan, words).nearby(21)
        };
        assert!(nearby(10_000, None).is_empty());
        assert!(nearby(12_000, None).is_empty());
        assert_eq!(nearby(16_000, None), [5250]);
        assert_eq!(nearby(100_000, None), [840, 12_500]);
        assert_eq!(nearby(1_000_000, None), [84, 125_000]);
        assert_eq!(nearby(500_000, Some(200_000)), [840, 25_000]);
        // Few of many that have the words.
        assert_eq!(nearby(100_000, Some(100_000)), [8400]);
        assert!(nearby(10_000, Some(100_000)).is_empty());
        assert!(nearby(0, Some(100_000)).is_empty());
        let unexpected = serde_json::json!([]);
        assert!(Estimate::of(&unexpected, None).nearby(21).is_empty());
    }
}
