use sqlx::PgConnection;
use sqlx::migrate::{Migration, Migrator};
use thiserror::Error;

use crate::settings::Module;
use crate::store::migrator;

/// The table of sqlx.
pub(super) const TABLE: &str = "_sqlx_migrations";

/// The migrations that a database has, or had when it was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(Vec<Applied>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Applied {
    version: i64,
    /// In hexadecimal digits.
    checksum: String,
}

/// Why what has a history is not what a module of this program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Misfit {
    #[error("holds no database of Cleave")]
    Foreign,
    #[error("holds what is of {found}, not of {wanted}")]
    OtherModule { wanted: Module, found: Module },
    #[error("has another migration {0:04} than this program")]
    OtherHistory(i64),
    #[error(
        "is of a newer release: it has migrations up to {found:04}, and this program knows those \
         up to {known:04}. Use that release"
    )]
    Newer { found: i64, known: i64 },
}

impl History {
    /// Of a database; `None` where it has none.
    pub async fn of(database: &mut PgConnection) -> Result<Option<Self>, sqlx::Error> {
        let known: bool = sqlx::query_scalar("select to_regclass($1) is not null")
            .bind(TABLE)
            .fetch_one(&mut *database)
            .await?;
        if !known {
            return Ok(None);
        }
        let applied: Vec<(i64, String)> =
            sqlx::query_as("select version, encode(checksum, 'hex') from _sqlx_migrations")
                .fetch_all(database)
                .await?;
        let mut history = Self::default();
        for (version, checksum) in applied {
            history.add(version, checksum);
        }
        Ok(Some(history))
    }

    pub(super) fn add(&mut self, version: i64, checksum: String) {
        self.0.push(Applied { version, checksum });
    }

    /// The newest.
    pub fn latest(&self) -> Option<i64> {
        self.0.iter().map(|applied| applied.version).max()
    }

    /// Whether it is that of this module, as far as it goes.
    pub fn check(&self, wanted: Module) -> Result<(), Misfit> {
        let ours = migrator(wanted);
        if !self.begins_as(ours) {
            let mut others = Module::ALL.into_iter();
            let other = others.find(|module| self.begins_as(migrator(*module)));
            return Err(match other {
                Some(found) => Misfit::OtherModule { wanted, found },
                None => Misfit::Foreign,
            });
        }
        if let Some(other) = ours.iter().find(|ours| self.has(ours) == Some(false)) {
            return Err(Misfit::OtherHistory(other.version));
        }
        let known = ours.iter().map(|known| known.version).max();
        match (self.latest(), known) {
            (Some(found), Some(known)) if found > known => Err(Misfit::Newer { found, known }),
            _ => Ok(()),
        }
    }

    fn begins_as(&self, history: &Migrator) -> bool {
        let first = history.iter().next();
        first.is_some_and(|first| self.has(first) == Some(true))
    }

    /// Whether this very one, where it has one of this number.
    fn has(&self, known: &Migration) -> Option<bool> {
        let mut applied = self.0.iter();
        let applied = applied.find(|applied| applied.version == known.version)?;
        Some(applied.checksum == hexadecimal(&known.checksum))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[cfg(all(feature = "users", feature = "products", feature = "orders"))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(module: Module) -> History {
        let mut history = History::default();
        for known in migrator(module).iter() {
            history.add(known.version, hexadecimal(&known.checksum));
        }
        history
    }

    #[test]
    fn a_module_is_told_by_its_history() {
        assert_eq!(of(Module::Orders).check(Module::Orders), Ok(()));
        let (wanted, found) = (Module::Users, Module::Orders);
        let other = Err(Misfit::OtherModule { wanted, found });
        assert_eq!(of(found).check(wanted), other);
        assert_eq!(History::default().check(wanted), Err(Misfit::Foreign));
    }

    #[test]
    fn an_older_release_is_fine_and_a_newer_one_is_not() {
        let mut older = of(Module::Orders);
        let last = older.0.pop().unwrap();
        assert_eq!(older.check(Module::Orders), Ok(()));

        let mut newer = of(Module::Orders);
        let (found, known) = (last.version + 1, last.version);
        newer.add(found, last.checksum);
        let refused = Err(Misfit::Newer { found, known });
        assert_eq!(newer.check(Module::Orders), refused);

        let mut changed = of(Module::Orders);
        changed.0.last_mut().unwrap().checksum.push('0');
        let refused = Err(Misfit::OtherHistory(known));
        assert_eq!(changed.check(Module::Orders), refused);
    }
}
