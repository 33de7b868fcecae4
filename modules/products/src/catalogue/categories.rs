use std::collections::HashMap;

use platform::Pool;
use serde::Serialize;
use sqlx::PgExecutor;
use utoipa::ToSchema;
use uuid::Uuid;

/// Deeper ones are left out, so that no answer is nested without bound. None is put deeper than
/// [`MAX_LEVELS`](super::place_category::MAX_LEVELS), but files may lengthen what is there.
pub(crate) const LEVELS: u8 = 64;

/// A category with those below it, in the order of their names.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Category {
    pub(crate) id: Uuid,
    #[schema(example = "Candles")]
    pub(crate) name: String,
    #[schema(example = "candles")]
    pub(crate) slug: String,
    #[schema(required)]
    pub(crate) parent_id: Option<Uuid>,
    #[schema(no_recursion)]
    pub(crate) children: Vec<Category>,
}

pub(crate) async fn tree(pool: &Pool) -> Result<Vec<Category>, sqlx::Error> {
    let categories = sqlx::query!(
        r#"select id, name, slug, parent_id from categories order by name collate "und-x-icu", id"#
    )
    .map(|row| Category {
        id: row.id,
        name: row.name,
        slug: row.slug,
        parent_id: row.parent_id,
        children: Vec::new(),
    })
    .fetch_all(pool)
    .await?;
    Ok(grow(categories))
}

/// The ids of a category, given by id or slug, and of those below it; none when there is none.
pub(super) async fn branch(
    db: impl PgExecutor<'_>,
    category: &str,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"with recursive branch (id) as (
            select id from categories where slug = $1 or id = $2
            union
            select c.id from categories c join branch on c.parent_id = branch.id
        )
        select id as "id!" from branch"#,
        category,
        Uuid::parse_str(category).ok(),
    )
    .fetch_all(db)
    .await
}

/// A category with those below it.
pub(crate) async fn by_id(
    db: impl PgExecutor<'_>,
    id: Uuid,
) -> Result<Option<Category>, sqlx::Error> {
    let mut categories = sqlx::query!(
        r#"with recursive branch (id) as (
            select id from categories where id = $1
            union
            select c.id from categories c join branch on c.parent_id = branch.id
        )
        select id, name, slug, parent_id
        from categories where id in (select id from branch)
        order by name collate "und-x-icu", id"#,
        id
    )
    .map(|row| Category {
        id: row.id,
        name: row.name,
        slug: row.slug,
        parent_id: row.parent_id,
        children: Vec::new(),
    })
    .fetch_all(db)
    .await?;
    let Some(at) = categories.iter().position(|category| category.id == id) else {
        return Ok(None);
    };
    let mut top = categories.remove(at);
    top.children = children_of(Some(id), LEVELS - 1, &mut by_parent(categories));
    Ok(Some(top))
}

fn grow(categories: Vec<Category>) -> Vec<Category> {
    children_of(None, LEVELS, &mut by_parent(categories))
}

fn by_parent(categories: Vec<Category>) -> HashMap<Option<Uuid>, Vec<Category>> {
    let mut by_parent: HashMap<_, Vec<_>> = HashMap::new();
    for category in categories {
        let siblings = by_parent.entry(category.parent_id).or_default();
        siblings.push(category);
    }
    by_parent
}

fn children_of(
    parent: Option<Uuid>,
    levels: u8,
    by_parent: &mut HashMap<Option<Uuid>, Vec<Category>>,
) -> Vec<Category> {
    let Some(below) = levels.checked_sub(1) else {
        return Vec::new();
    };
    let mut children = by_parent.remove(&parent).unwrap_or_default();
    for child in &mut children {
        child.children = children_of(Some(child.id), below, by_parent);
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(id: u128, parent: Option<u128>) -> Category {
        Category {
            id: Uuid::from_u128(id),
            name: id.to_string(),
            slug: id.to_string(),
            parent_id: parent.map(Uuid::from_u128),
            children: Vec::new(),
        }
    }

    #[test]
    fn a_child_stands_below_its_parent_in_the_order_given() {
        let flat = vec![
            category(4, Some(2)),
            category(1, None),
            category(3, Some(1)),
            category(2, Some(1)),
        ];
        let mut one = category(1, None);
        let mut two = category(2, Some(1));
        two.children = vec![category(4, Some(2))];
        one.children = vec![category(3, Some(1)), two];
        assert_eq!(grow(flat), [one]);
    }

    #[test]
    fn a_chain_or_a_ring_without_end_is_cut() {
        let chain = (0..10_000).map(|n: u128| category(n, n.checked_sub(1)));
        let mut level = grow(chain.collect());
        let mut levels = 0;
        while let Some(category) = level.pop() {
            level = category.children;
            levels += 1;
        }
        assert_eq!(levels, LEVELS);
        assert_eq!(grow(vec![category(1, Some(2)), category(2, Some(1))]), []);
    }
}
