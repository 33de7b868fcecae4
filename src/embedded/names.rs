use std::fmt;
use std::sync::Arc;

use super::EmbeddedError;

/// A module's name, from which its database (`users_db`) and its role (`users_user`) are named. It
/// is safe to write into SQL and into a file's name: lower-case letters, digits and underscores.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatabaseName(String);

impl DatabaseName {
    pub fn new(module: &str) -> Result<Self, EmbeddedError> {
        let good = module.starts_with(|c: char| c.is_ascii_lowercase())
            && module
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && module.len() <= 40;
        if good {
            Ok(Self(module.to_owned()))
        } else {
            Err(EmbeddedError::Name(module.to_owned()))
        }
    }

    pub fn module(&self) -> &str {
        &self.0
    }

    pub fn database(&self) -> String {
        format!("{}_db", self.0)
    }

    pub fn role(&self) -> String {
        format!("{}_user", self.0)
    }
}

impl TryFrom<&str> for DatabaseName {
    type Error = EmbeddedError;

    fn try_from(module: &str) -> Result<Self, EmbeddedError> {
        Self::new(module)
    }
}

/// Where lines about slow work go; by default to the log.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&str) + Send + Sync>);

impl Progress {
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn say(&self, line: impl AsRef<str>) {
        (self.0)(line.as_ref());
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new(|line| tracing::info!("{line}"))
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_their_quotes_are_refused() {
        for bad in [
            "",
            "Users",
            "1st",
            "a-b",
            "a\"b",
            "a b",
            "ü",
            "../x",
            &"a".repeat(41),
        ] {
            assert!(DatabaseName::new(bad).is_err(), "{bad:?}");
        }
        assert!(
            DatabaseName::new("users")
                .is_ok_and(|n| n.database() == "users_db" && n.role() == "users_user")
        );
    }
}
