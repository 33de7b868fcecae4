use sqlx::{PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use super::cursor::{Key, Sort};
use super::list::Filter;
use super::product::ProductRow;
use super::rules::MOST;
use super::search::Terms;
use super::tier::Tier;

/// The rows of one tier of a list that follow a place in it.
pub(super) struct Slice<'a> {
    pub(super) filter: &'a Filter,
    pub(super) sort: Sort,
    pub(super) matching: Option<(Tier, &'a Terms)>,
    pub(super) after: Option<(&'a Key, Uuid)>,
    pub(super) rows: i64,
}

/// Which rows are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The next ones in the list's order, matching or not.
    Near,
    /// All that an index finds.
    All,
}

/// How many rows are looked at nearby for each that is wanted. What is more frequent than one row
/// in this many is soon found there; what is rarer is quickly fetched whole from its index.
const NEARBY: i64 = 20;

/// No page needs more.
const MOST_ROWS: u8 = 101;

impl Slice<'_> {
    /// At a cost that depends neither on the place in the list nor on how frequent a match is.
    pub(super) async fn fetch(&self, pool: &PgPool) -> Result<Vec<ProductRow>, sqlx::Error> {
        if self.narrows() {
            let rows = self.fetch_within(Reach::Near, pool).await?;
            if self.is_full(&rows) {
                return Ok(rows);
            }
        }
        self.fetch_all(pool).await
    }

    /// For what is known to be rare.
    pub(super) async fn fetch_all(&self, pool: &PgPool) -> Result<Vec<ProductRow>, sqlx::Error> {
        self.fetch_within(Reach::All, pool).await
    }

    /// Whether there are so many matches that the nearby rows hold enough of them.
    pub(super) async fn is_frequent(&self, pool: &PgPool) -> Result<bool, sqlx::Error> {
        let mut statement = self.statement("p.id", Reach::Near);
        let rows: Vec<(Uuid,)> = statement.build_query_as().fetch_all(pool).await?;
        Ok(self.is_full(&rows))
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
            || filter.is_active == Some(false)
    }

    async fn fetch_within(
        &self,
        reach: Reach,
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
    fn statement(&self, columns: &str, reach: Reach) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("");
        self.push_tree("with recursive ", " ", &mut sql);
        sql.push("select ").push(columns);
        sql.push(" from (select * from (select * from products p where true");
        self.push_after(&mut sql);
        if matches!(self.sort, Sort::Price | Sort::PriceDescending) {
            self.push_price(&mut sql);
        }
        match reach {
            Reach::Near => {
                self.push_order(&mut sql);
                sql.push(" limit ")
                    .push_bind(self.rows * NEARBY)
                    .push(") p where true");
                self.push_conditions(&mut sql);
            }
            Reach::All if self.narrows() => {
                self.push_conditions(&mut sql);
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
        let filter = self.filter;
        match (filter.inactive_too, filter.is_active) {
            (false, _) | (true, Some(true)) => drop(sql.push(" and p.is_active")),
            (true, Some(false)) => drop(sql.push(" and not p.is_active")),
            (true, None) => {}
        }
        if filter.category.is_some() {
            sql.push(" and p.category_id = any(array(select id from tree))");
        }
        if let Some(handle) = &filter.handle {
            sql.push(" and p.handle = ").push_bind(handle);
        }
        self.push_price(sql);
        if let Some(in_stock) = filter.in_stock {
            sql.push(
                " and (select s.on_hand > s.reserved from stock s where s.product_id = p.id) = ",
            );
            sql.push_bind(in_stock);
        }
        if let Some((tier, terms)) = self.matching {
            tier.push_match(terms, sql);
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
        match key {
            Key::Newest(created_at) => sql.push_bind(*created_at),
            Key::Price(price_minor) => sql.push_bind(*price_minor),
            Key::Name(name) => sql.push_bind(name),
        };
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
