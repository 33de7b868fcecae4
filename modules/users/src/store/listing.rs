use platform::Limit;
use platform::{Pool, db};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use crate::account::{Role, User};

#[derive(Debug)]
pub(crate) struct Filter {
    /// Of email or name; empty for all.
    pub(crate) part: String,
    pub(crate) role: Option<Role>,
    pub(crate) is_active: Option<bool>,
    pub(crate) before: Option<Uuid>,
}

/// How many letters the index looks for at least; what is shorter is common, and soon found.
const INDEXED: usize = 3;

/// The newest first, without deleted accounts.
pub(crate) async fn list(
    pool: &Pool,
    filter: &Filter,
    limit: Limit,
) -> Result<Vec<User>, sqlx::Error> {
    let mut query = query(filter, limit);
    let query = query.build_query_as().persistent(false);
    // Whether the index of words or that of ids is the shorter way depends on what is looked for.
    let begin = "begin read only; set local plan_cache_mode = force_custom_plan";
    let mut tx = db::begin_with(pool, begin).await?;
    let found = query.fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(found)
}

fn query(filter: &Filter, limit: Limit) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(
        "select id, email, full_name, role, is_active, created_at, updated_at
         from users where deleted_at is null",
    );
    let part = filter.part.trim();
    if !part.is_empty() {
        query
            .push(" and strpos(words, fold(")
            .push_bind(part)
            .push(")) > 0");
    }
    if part.chars().count() >= INDEXED {
        query
            .push(" and trigrams(words) @> trigrams(fold(")
            .push_bind(part)
            .push("))");
    }
    if let Some(role) = filter.role {
        query.push(" and role = ").push_bind(role);
    }
    if let Some(is_active) = filter.is_active {
        query.push(" and is_active = ").push_bind(is_active);
    }
    if let Some(before) = filter.before {
        query.push(" and id < ").push_bind(before);
    }
    query
        .push(" order by id desc limit ")
        .push_bind(limit.rows_to_fetch());
    query
}
