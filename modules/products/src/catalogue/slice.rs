use platform::{Pool, db};
use sqlx::types::Json;
use sqlx::{PgConnection, PgTransaction, Postgres, QueryBuilder};
use uuid::Uuid;

use super::cursor::{Key, Sort};
use super::estimate::Estimate;
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
    /// So many next ones in the list's order, matching or not, but of the [`Slice::walk`].
    Near(i64),
    /// The next ones of each category, by an index that has them in the list's order.
    Branches,
    /// All that indexes find.
    All,
}

/// A transaction whose statements are planned for the values that they are given, and which keeps
/// in mind every row that an index finds among a million, not only its page.
pub(super) async fn begin(pool: &Pool) -> Result<PgTransaction<'static>, sqlx::Error> {
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
/// With more categories the list of all products is walked: the next rows of each would be read.
const MOST_BRANCHES: usize = 16;

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
        if let Some((tier, terms)) = self.matching
            && tier.products(terms) <= SOON_FETCHED
        {
            let may_be_frequent = tier.at_most(terms) > SOON_FETCHED;
            return Ok(Vec::from_iter(may_be_frequent.then(|| self.glance(terms))));
        }
        let mut sql = QueryBuilder::new("explain (format json) select from products p where true");
        self.push_categories(&mut sql);
        self.push_price(&mut sql);
        self.push_own(&mut sql);
        self.push_sold_out(&mut sql);
        sql.push(" union all select from products p where true");
        if self.walk().is_some() {
            self.push_categories(&mut sql);
        }
        sql.push(" union all select from products");
        let plan = sql.build_query_scalar().persistent(false);
        let Json(plan): Json<serde_json::Value> = plan.fetch_one(db).await?;
        let estimate = Estimate::of(&plan, self.words());
        Ok(estimate.nearby(self.rows))
    }

    /// The categories that are walked, each by an index in the list's order; all products if `None`.
    fn walk(&self) -> Option<&[Uuid]> {
        let few = |categories: &&[Uuid]| categories.len() <= MOST_BRANCHES;
        self.categories.filter(few)
    }

    /// As many next rows as hold what is wanted when so many match that they are not soon fetched:
    /// words that each are frequent meet more often than by chance in what is called by both.
    fn glance(&self, terms: &Terms) -> i64 {
        let rows = 2 * self.rows * terms.all / SOON_FETCHED;
        rows.min(SOON_FETCHED)
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
        match reach {
            Reach::Near(nearby) => {
                self.push_next(nearby, &mut sql);
                sql.push(") p where true");
                self.push_conditions(&mut sql);
            }
            Reach::Branches => {
                self.push_branches("*", &mut sql);
                self.push_rest(&mut sql);
                self.push_order(&mut sql);
                sql.push(" limit ").push_bind(self.rows).push(") p) p");
            }
            Reach::All => {
                sql.push("select * from products p where true");
                self.push_place(&mut sql);
                if self.narrows() {
                    self.push_indexed(&mut sql);
                    sql.push(" offset 0) p");
                } else {
                    self.push_conditions(&mut sql);
                    sql.push(") p");
                }
            }
        }
        self.push_order(&mut sql);
        sql.push(" limit ").push(MOST_ROWS);
        sql.push(") p join stock s on s.product_id = p.id");
        self.push_order(&mut sql);
        sql.push(" limit ").push_bind(self.rows);
        sql
    }

    /// The next rows of the walk. Of categories, keys are read from their indexes first.
    fn push_next(&self, nearby: i64, sql: &mut QueryBuilder<Postgres>) {
        if self.walk().is_none() {
            sql.push("select * from products p where true");
            self.push_place(sql);
            self.push_order(sql);
            sql.push(" limit ").push_bind(nearby);
            return;
        }
        sql.push("select p.* from (select p.id from (");
        self.push_branches(
            match self.sort {
                Sort::Relevance | Sort::Newest => "p.id, p.created_at",
                Sort::Price | Sort::PriceDescending => "p.id, p.price_minor",
                Sort::Name => "p.id, p.name",
            },
            sql,
        );
        self.push_order(sql);
        sql.push(" limit ").push_bind(nearby).push(") p) p");
        self.push_order(sql);
        sql.push(" limit ").push_bind(nearby);
        sql.push(") next join products p on p.id = next.id");
    }

    /// Begins what is selected of each category.
    fn push_branches(&self, columns: &str, sql: &mut QueryBuilder<Postgres>) {
        let categories = self.categories.unwrap_or_default();
        sql.push("select p.* from unnest(")
            .push_bind(categories.to_vec());
        sql.push(") tree (id) cross join lateral (select ")
            .push(columns);
        sql.push(" from products p where p.category_id = tree.id");
        self.push_place(sql);
    }

    /// Where an index in the list's order begins and ends.
    fn push_place(&self, sql: &mut QueryBuilder<Postgres>) {
        self.push_after(sql);
        if matches!(self.sort, Sort::Price | Sort::PriceDescending) {
            self.push_price(sql);
        }
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
