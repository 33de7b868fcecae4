use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::catalogue::categories::LEVELS;

/// So many are kept; then it begins anew.
const MOST: usize = 10_000;

/// The paths of categories, as the import reads them.
#[derive(Default)]
pub(super) struct Paths(HashMap<Uuid, Path>);

/// Of the levels from the root.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// `Women > Tops`
    pub names: String,
    /// `women/tops`
    pub slugs: String,
}

impl Paths {
    pub(super) fn of(&self, category: Uuid) -> Option<&Path> {
        self.0.get(&category)
    }

    /// From now on these are known.
    pub(super) async fn learn(
        &mut self,
        db: &mut PgConnection,
        categories: impl Iterator<Item = Uuid> + Clone,
    ) -> Result<(), sqlx::Error> {
        if self.0.len() > MOST {
            self.0.clear();
        }
        let unknown = categories.filter(|id| !self.0.contains_key(id));
        let mut unknown: Vec<Uuid> = unknown.collect();
        if unknown.is_empty() {
            return Ok(());
        }
        unknown.sort_unstable();
        unknown.dedup();
        let levels = sqlx::query!(
            r#"
            with recursive up as (
                select id as leaf, parent_id, name, slug, 1 as height
                from categories where id = any($1)
                union all
                select up.leaf, c.parent_id, c.name, c.slug, up.height + 1
                from up join categories c on c.id = up.parent_id
                where up.height < $2
            )
            select leaf as "leaf!", name as "name!", slug as "slug!"
            from up order by leaf, height desc
            "#,
            &unknown,
            i32::from(LEVELS),
        )
        .fetch_all(db)
        .await?;
        for level in levels {
            let add = |path: &mut Path| path.add(&level.name, &level.slug);
            let path = self.0.entry(level.leaf);
            path.and_modify(add)
                .or_insert_with(|| Path::root(&level.name, &level.slug));
        }
        Ok(())
    }
}

impl Path {
    fn root(name: &str, slug: &str) -> Self {
        Self {
            names: escaped(name),
            slugs: slug.to_owned(),
        }
    }

    fn add(&mut self, name: &str, slug: &str) {
        self.names = format!("{} > {}", self.names, escaped(name));
        self.slugs = format!("{}/{slug}", self.slugs);
    }
}

/// A name as a path has it: what would end it, and spaces that would be trimmed, after a backslash.
fn escaped(name: &str) -> String {
    let last = name.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(name.len());
    for (at, c) in name.chars().enumerate() {
        let at_an_edge = at == 0 || at == last;
        if c == '>' || c == '\\' || (at_an_edge && c.is_whitespace()) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::category::Category;

    #[test]
    fn the_import_reads_every_name_as_it_was() {
        let names = [
            "Women",
            "a > b",
            "\\",
            " ",
            "  x  ",
            "\u{2003}wide\u{2003}",
            ">",
            "\n",
            "ä\\ ",
        ];
        let mut path = Path::root(names[0], "a");
        for name in &names[1..] {
            path.add(name, "b-2");
        }
        let Ok(Category::Path(levels)) = Category::parse(&path.names, Some(&path.slugs)) else {
            panic!("{path:?}");
        };
        let read: Vec<_> = levels.iter().map(|level| level.name.as_str()).collect();
        assert_eq!(read, names);
    }
}
