//! Categories as files write them: a path of names from the root, `Women > Tops`.
//!
//! A backslash makes the next character part of a name: `R\>B` is one name. Beside the path a
//! record may give the slugs of the same levels, `women/tops`: then categories are matched by
//! slug and made with it. Without slugs they are matched by name, ignoring case, below the same
//! parent; a single name that matches no root may also be the slug of an existing category.

use uuid::Uuid;

const MAX_LEVELS: usize = 20;
const MAX_SLUG: usize = 100;

/// The category that a record names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    Id(Uuid),
    /// From the root down; never empty. Made where it does not exist.
    Path(Vec<Level>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Level {
    pub name: String,
    pub slug: Option<String>,
}

impl Category {
    /// A root category.
    pub fn root(name: &str) -> Self {
        Self::Path(vec![Level {
            name: name.to_owned(),
            slug: None,
        }])
    }

    /// Reads a path, and the slugs of its levels where they are given.
    pub fn parse(path: &str, slugs: Option<&str>) -> Result<Self, String> {
        let names = split(path);
        if names.iter().any(String::is_empty) {
            return Err("category: a level of the path has no name".to_owned());
        }
        if names.len() > MAX_LEVELS {
            return Err(format!("category: has more than {MAX_LEVELS} levels"));
        }
        let mut levels: Vec<Level> = names
            .into_iter()
            .map(|name| Level { name, slug: None })
            .collect();
        if let Some(slugs) = slugs {
            let slugs: Vec<&str> = slugs.split('/').collect();
            if slugs.len() != levels.len() || !slugs.iter().all(|slug| is_slug(slug)) {
                return Err(
                    "category_slug: must have a slug for each level of `category`, as in `women/tops`"
                        .to_owned(),
                );
            }
            for (level, slug) in levels.iter_mut().zip(slugs) {
                level.slug = Some(slug.to_owned());
            }
        }
        Ok(Self::Path(levels))
    }
}

/// Cuts at `>` and trims what is not escaped.
fn split(path: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    // Up to where the name at hand must not be trimmed.
    let mut kept = 0;
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        let Some(name) = names.last_mut() else { break };
        match c {
            '>' => {
                let end = name.trim_end().len().max(kept);
                name.truncate(end);
                names.push(String::new());
                kept = 0;
            }
            '\\' => {
                name.push(chars.next().unwrap_or('\\'));
                kept = name.len();
            }
            c if c.is_whitespace() && name.is_empty() => {}
            c => name.push(c),
        }
    }
    if let Some(name) = names.last_mut() {
        let end = name.trim_end().len().max(kept);
        name.truncate(end);
    }
    names
}

fn is_slug(slug: &str) -> bool {
    slug.len() <= 200
        && slug.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// Lower-case ASCII words joined by hyphens; other scripts are transliterated as well as it goes.
/// Empty when nothing is left.
pub fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in deunicode::deunicode(text).chars() {
        match c {
            c if c.is_ascii_alphanumeric() => slug.push(c.to_ascii_lowercase()),
            '\'' | '`' => {}
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// The slug of a category that is given none.
pub fn slug_of(name: &str) -> String {
    match short(&slug(name)) {
        slug if slug.is_empty() => "category".to_owned(),
        slug => slug,
    }
}

pub(super) fn short(slug: &str) -> String {
    let head = &slug[..slug.len().min(MAX_SLUG)];
    head.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str) -> Vec<String> {
        split(path)
    }

    #[test]
    fn reads_a_path_as_people_write_it() {
        assert_eq!(names("Women > Tops"), ["Women", "Tops"]);
        assert_eq!(names(" Women>Tops  and more "), ["Women", "Tops  and more"]);
        assert_eq!(names(r"R\>B > a\ > \\"), ["R>B", "a ", "\\"]);
        assert!(Category::parse("Women >", None).is_err());
        assert!(Category::parse("", None).is_err());
    }

    #[test]
    fn takes_the_slugs_of_all_levels_or_none() {
        let Category::Path(levels) = Category::parse("A > B", Some("x/y-2")).unwrap() else {
            panic!("a path");
        };
        assert_eq!(levels[1].slug.as_deref(), Some("y-2"));
        for slugs in ["x", "x/y/z", "x/Y", "x/", "x/y--z", "x/-y"] {
            assert!(Category::parse("A > B", Some(slugs)).is_err(), "{slugs}");
        }
    }

    #[test]
    fn makes_slugs() {
        for (text, wanted) in [
            ("Women's Tops", "womens-tops"),
            ("  Crème  brûlée! ", "creme-brulee"),
            ("S / M", "s-m"),
            ("Größe", "grosse"),
            ("--", ""),
        ] {
            assert_eq!(slug(text), wanted);
        }
        assert!(is_slug(&slug("日本語")));
    }
}
