use std::fmt;

use super::programs::OLDEST;

/// Says where Postgres' programs were looked for, and what to do.
#[derive(Debug, Default)]
pub struct Missing {
    pub(super) looked: Vec<String>,
    pub(super) too_old: Vec<String>,
    pub(super) broken: Vec<String>,
    pub(super) not_fetched: Option<String>,
}

const WHAT_TO_DO: &str = "\
Install them:
  Debian, Ubuntu  apt-get install postgresql
  Fedora          dnf install postgresql-server postgresql-contrib
  macOS           brew install postgresql@17
or name their folder:
  CLEAVE__EMBEDDED__BIN_DIR=/folder/with/postgres
or use servers that you run:
  CLEAVE__MODULES__USERS__DATABASE_URL
  CLEAVE__MODULES__PRODUCTS__DATABASE_URL
  CLEAVE__MODULES__ORDERS__DATABASE_URL";

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "PostgreSQL's programs (postgres and initdb) were not found."
        )?;
        writeln!(f, "Looked in: {}", self.looked.join(", "))?;
        if !self.too_old.is_empty() {
            writeln!(
                f,
                "Too old, {OLDEST} is the oldest that will do: {}",
                self.too_old.join(", ")
            )?;
        }
        if !self.broken.is_empty() {
            writeln!(f, "Found, but does not run: {}", self.broken.join(", "))?;
        }
        if let Some(why) = &self.not_fetched {
            writeln!(f, "Fetching them did not succeed: {why}")?;
        }
        f.write_str(WHAT_TO_DO)
    }
}
