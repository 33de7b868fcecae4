use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Lander, Outcome};
use crate::import::category::{Category, Level, short, slug, slug_of};
use crate::import::change::{Change, Cleared};

impl Lander {
    /// The category of each line, made where it does not exist. A line that names an id which is
    /// unknown is rejected and left out.
    pub(super) async fn categories(
        &self,
        tx: &mut PgConnection,
        records: Vec<(u64, &Change)>,
        outcome: &mut Outcome,
    ) -> Result<HashMap<u64, Option<Uuid>>, sqlx::Error> {
        let mut ids = HashMap::with_capacity(records.len());
        for (line, change) in records {
            let Some(category) = change.category.as_ref().and_then(Cleared::value) else {
                ids.insert(line, None);
                continue;
            };
            let known = self.known_categories().get(category).copied();
            let id = match known.or_else(|| outcome.categories.get(category).copied()) {
                Some(id) => Some(id),
                None => resolve(tx, category).await?,
            };
            match id {
                Some(id) => {
                    if known.is_none() {
                        outcome.categories.insert(category.clone(), id);
                    }
                    ids.insert(line, Some(id));
                }
                None => outcome.reject(line, "category_id: there is no such category"),
            }
        }
        Ok(ids)
    }
}

async fn resolve(tx: &mut PgConnection, category: &Category) -> Result<Option<Uuid>, sqlx::Error> {
    let levels = match category {
        Category::Id(id) => {
            return sqlx::query_scalar!("select id from categories where id = $1", id)
                .fetch_optional(tx)
                .await;
        }
        Category::Path(levels) => levels,
    };
    if let [Level { name, slug: None }] = levels.as_slice() {
        let found = match by_name(tx, None, name).await? {
            None => by_slug(tx, name).await?,
            found => found,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    let mut parent = None;
    for depth in 1..=levels.len() {
        parent = Some(find_or_make(tx, parent, &levels[..depth]).await?);
    }
    Ok(parent)
}

/// The category at the end of `path`, below `parent`.
async fn find_or_make(
    tx: &mut PgConnection,
    parent: Option<Uuid>,
    path: &[Level],
) -> Result<Uuid, sqlx::Error> {
    let Some(level) = path.last() else {
        return Err(sqlx::Error::RowNotFound);
    };
    for wanted in slugs(path) {
        let found = match &level.slug {
            Some(slug) => by_slug(tx, slug).await?,
            None => by_name(tx, parent, &level.name).await?,
        };
        if let Some(id) = found {
            return Ok(id);
        }
        let made = sqlx::query_scalar!(
            r#"
            insert into categories (id, name, slug, parent_id) values ($1, $2, $3, $4)
            on conflict (slug) do nothing
            returning id
            "#,
            Uuid::now_v7(),
            level.name,
            wanted,
            parent,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(id) = made {
            return Ok(id);
        }
    }
    // The last of the slugs is random.
    Err(sqlx::Error::RowNotFound)
}

/// Slugs to try in turn: the one that is given, else from the name, from the whole path, and
/// with a number.
fn slugs(path: &[Level]) -> impl Iterator<Item = String> {
    let given = path.last().and_then(|level| level.slug.clone());
    let words: Vec<String> = path
        .iter()
        .map(|level| slug(&level.name))
        .filter(|word| !word.is_empty())
        .collect();
    let own = path
        .last()
        .map_or_else(String::new, |level| slug_of(&level.name));
    let numbered = own.clone();
    given
        .into_iter()
        .chain([own, short(&words.join("-"))])
        .filter(|slug| !slug.is_empty())
        .chain((2..10).map(move |number| format!("{numbered}-{number}")))
        .chain(std::iter::once_with(|| Uuid::now_v7().to_string()))
}

async fn by_slug(tx: &mut PgConnection, slug: &str) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select id from categories where slug = $1", slug)
        .fetch_optional(tx)
        .await
}

/// Names need not be unique: the oldest one is taken.
async fn by_name(
    tx: &mut PgConnection,
    parent: Option<Uuid>,
    name: &str,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id from categories
        where lower(name) = lower($2)
            and (parent_id = $1 or ($1::uuid is null and parent_id is null))
        order by created_at, id
        limit 1
        "#,
        parent,
        name,
    )
    .fetch_optional(tx)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slug_comes_from_the_name_then_from_the_path() {
        let Ok(Category::Path(path)) = Category::parse("Women > Tops", None) else {
            panic!("a path");
        };
        let tried: Vec<String> = slugs(&path).take(3).collect();
        assert_eq!(tried, ["tops", "women-tops", "tops-2"]);
        let Ok(Category::Path(path)) = Category::parse("!", None) else {
            panic!("a path");
        };
        assert_eq!(slugs(&path).next().as_deref(), Some("category"));
    }
}
