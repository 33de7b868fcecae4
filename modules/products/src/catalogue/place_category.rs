//! Writing categories: where they stand, and what they are called.

use std::collections::HashSet;

use platform::Pool;
use platform::db::{self, retry_contention};
use sqlx::PgConnection;
use thiserror::Error;
use uuid::Uuid;

use super::categories::{self, Category};
use crate::import::category::slug_of;

/// As deep as the paths that files may have.
pub(crate) const MAX_LEVELS: i64 = 20;

/// A category as it shall be; its fields keep the rules.
#[derive(Debug)]
pub(crate) struct CategoryFields {
    pub(crate) name: String,
    /// Made from the name unless given.
    pub(crate) slug: Option<String>,
    pub(crate) parent_id: Option<Uuid>,
}

#[derive(Debug, Error)]
pub(crate) enum CategoryError {
    #[error("there is no such category")]
    Unknown,
    #[error("there is no such parent")]
    UnknownParent,
    #[error("the parent stands below the category")]
    Cycle,
    #[error("categories would be nested too deeply")]
    TooDeep,
    #[error("another category has this slug")]
    SlugTaken,
    #[error("categories or products are in it")]
    InUse,
    #[error("the category could not be stored")]
    Database(#[source] sqlx::Error),
}

type Outcome<T> = Result<Result<T, CategoryError>, sqlx::Error>;

pub(crate) async fn create(pool: &Pool, new: &CategoryFields) -> Result<Category, CategoryError> {
    let id = Uuid::now_v7();
    let created = retry_contention(|| place(pool, id, new, Write::Create));
    flatten(created.await, CategoryError::UnknownParent)
}

/// Moves it as well, with all that is below it.
pub(crate) async fn replace(
    pool: &Pool,
    id: Uuid,
    to: &CategoryFields,
) -> Result<Category, CategoryError> {
    let replaced = retry_contention(|| place(pool, id, to, Write::Replace));
    flatten(replaced.await, CategoryError::UnknownParent)
}

/// Refused while categories or products are in it: the database looks, whoever comes meanwhile.
pub(crate) async fn delete(pool: &Pool, id: Uuid) -> Result<(), CategoryError> {
    let deleted = retry_contention(|| async {
        let deleted = sqlx::query!("delete from categories where id = $1", id);
        Ok(match deleted.execute(pool).await?.rows_affected() {
            0 => Err(CategoryError::Unknown),
            _ => Ok(()),
        })
    });
    flatten(deleted.await, CategoryError::InUse)
}

/// `missing` tells what it means that a reference has nothing to refer to.
fn flatten<T>(outcome: Outcome<T>, missing: CategoryError) -> Result<T, CategoryError> {
    outcome.unwrap_or_else(|error| {
        Err(match db::constraint(&error) {
            Some("categories_slug_key") => CategoryError::SlugTaken,
            Some("categories_parent_fkey" | "products_category_fkey") => missing,
            _ => CategoryError::Database(error),
        })
    })
}

#[derive(Clone, Copy)]
enum Write {
    Create,
    Replace,
}

async fn place(pool: &Pool, id: Uuid, to: &CategoryFields, write: Write) -> Outcome<Category> {
    let mut tx = db::begin(pool).await?;
    // One after the other: what is looked at next stays as it is.
    sqlx::query!("select is_whole from category_tree for update")
        .fetch_optional(&mut *tx)
        .await?;
    let slug = match &to.slug {
        Some(slug) => slug.clone(),
        None => free_slug(&mut tx, id, &slug_of(&to.name)).await?,
    };
    let statement = match write {
        Write::Create => sqlx::query!(
            "insert into categories (id, name, slug) values ($1, $2, $3)",
            id,
            to.name,
            slug
        ),
        Write::Replace => sqlx::query!(
            "update categories set name = $2, slug = $3, parent_id = null where id = $1",
            id,
            to.name,
            slug
        ),
    };
    if statement.execute(&mut *tx).await?.rows_affected() == 0 {
        return Ok(Err(CategoryError::Unknown));
    }
    if let Some(parent_id) = to.parent_id {
        if let Err(refusal) = may_stand_below(&mut tx, id, parent_id).await? {
            return Ok(Err(refusal));
        }
        sqlx::query!(
            "update categories set parent_id = $2 where id = $1",
            id,
            parent_id
        )
        .execute(&mut *tx)
        .await?;
    }
    let category = categories::by_id(&mut *tx, id).await?;
    tx.commit().await?;
    Ok(category.ok_or(CategoryError::Unknown))
}

/// The slug, or with the first number that makes it one that no other category has.
async fn free_slug(tx: &mut PgConnection, id: Uuid, slug: &str) -> Result<String, sqlx::Error> {
    let taken = sqlx::query_scalar!(
        "select slug from categories where starts_with(slug, $1) and id <> $2",
        slug,
        id
    )
    .fetch_all(tx)
    .await?;
    let taken: HashSet<String> = taken.into_iter().collect();
    let mut tried = slug.to_owned();
    let mut number = 1;
    while taken.contains(&tried) {
        number += 1;
        tried = format!("{slug}-{number}");
    }
    Ok(tried)
}

async fn may_stand_below(tx: &mut PgConnection, id: Uuid, parent_id: Uuid) -> Outcome<()> {
    let around = sqlx::query!(
        r#"with recursive above (id, parent_id, level) as (
            select id, parent_id, 1 from categories where id = $2
            union all
            select c.id, c.parent_id, above.level + 1
            from categories c join above on c.id = above.parent_id
            where above.level <= $3::bigint
        ), below (id, level) as (
            select $1::uuid, 1
            union all
            select c.id, below.level + 1 from categories c join below on c.parent_id = below.id
            where below.level <= $3::bigint
        )
        select (select count(*) from above) as "above!",
            (select max(level) from below)::bigint as "below!",
            exists (select from above where id = $1) as "cycle!""#,
        id,
        parent_id,
        MAX_LEVELS,
    )
    .fetch_one(tx)
    .await?;
    Ok(match around {
        _ if around.above == 0 => Err(CategoryError::UnknownParent),
        _ if around.cycle => Err(CategoryError::Cycle),
        _ if around.above + around.below > MAX_LEVELS => Err(CategoryError::TooDeep),
        _ => Ok(()),
    })
}
