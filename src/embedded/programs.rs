use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::EmbeddedError;
use super::error::At;

/// The first major version in which the owner of a database may create `pg_trgm` in it.
const OLDEST: u32 = 13;

/// Folders named after a major version, as `(parent, prefix, rest)`: `/usr/lib/postgresql/17/bin`.
const VERSIONED: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/usr/lib", "postgresql", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    ("/Library/PostgreSQL", "", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A folder with `postgres` and `initdb` that run here.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
}

/// Where to look when no setting names a folder.
#[derive(Clone, Debug)]
pub struct Search {
    folders: Vec<PathBuf>,
    looked: Vec<String>,
}

impl Search {
    /// Where systems put Postgres, the newest version first, then `PATH`.
    pub fn system() -> Self {
        let mut search = Self::in_folders([]);
        for &(parent, prefix, rest) in VERSIONED {
            search.looked.push(Path::new(parent).join(format!("{prefix}<version>")).join(rest).display().to_string());
            search.folders.extend(versions(parent, prefix).into_iter().map(|folder| folder.join(rest)));
        }
        search.looked.push("PATH".to_owned());
        search.folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
        search
    }

    pub fn in_folders(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        let folders: Vec<_> = folders.into_iter().collect();
        Self { looked: folders.iter().map(|f| f.display().to_string()).collect(), folders }
    }

    /// The first programs that run, of version `wanted` where a cluster of that version exists.
    pub(super) fn find(self, wanted: Option<(u32, &Path)>) -> Result<Programs, EmbeddedError> {
        let (mut unfit, mut broken) = (Vec::new(), Vec::new());
        for folder in self.folders {
            let Some(folder) = resolve(&folder) else { continue };
            match version(&folder) {
                Ok(major) if wanted.map_or(major >= OLDEST, |(w, _)| w == major) => return Ok(Programs { folder, major }),
                Ok(major) => unfit.push(format!("{major} in {}", folder.display())),
                Err(why) => broken.push(format!("{} ({why})", folder.display())),
            }
        }
        match wanted {
            Some((cluster, data)) if !unfit.is_empty() => {
                Err(EmbeddedError::WrongMajor { data: data.to_owned(), cluster, found: unfit.join(", ") })
            }
            _ => Err(EmbeddedError::ProgramsMissing(Missing { looked: self.looked, too_old: unfit, broken })),
        }
    }
}

/// The setting alone decides when it is there: whoever sets it does not want a surprise.
pub(super) fn find(setting: Option<&Path>, search: Search, data: &Path) -> Result<Programs, EmbeddedError> {
    let search = setting.map_or(search, |folder| Search::in_folders([folder.to_owned()]));
    let version_file = data.join("PG_VERSION");
    let cluster = super::files::read_if_there(&version_file)?;
    let wanted = cluster.map(|text| text.trim().parse().map_err(std::io::Error::other).at("understand", &version_file));
    search.find(wanted.transpose()?.map(|major| (major, data)))
}

/// The real folder: a `postgres` on the PATH may be a link, and finds its libraries and its `initdb` from where it is.
fn resolve(folder: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(folder.join("postgres")).ok()?.parent()?.to_owned();
    real.join("initdb").is_file().then_some(real)
}

fn version(folder: &Path) -> Result<u32, String> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    major(&text).ok_or_else(|| format!("does not run: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// `postgres (PostgreSQL) 17.5 (Debian ...)`, `18beta1`, `19devel`.
fn major(version_line: &str) -> Option<u32> {
    let number = version_line.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn versions(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|e| Some((e.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?, e.path())))
        .collect();
    found.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// Says what was looked for and what to do.
#[derive(Debug)]
pub struct Missing {
    looked: Vec<String>,
    too_old: Vec<String>,
    broken: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "PostgreSQL's programs (postgres and initdb) were not found.")?;
        writeln!(f, "Looked in: {}", self.looked.join(", "))?;
        if !self.too_old.is_empty() {
            writeln!(f, "Too old, {OLDEST} is the oldest that will do: {}", self.too_old.join(", "))?;
        }
        if !self.broken.is_empty() {
            writeln!(f, "Found, but does not run: {}", self.broken.join(", "))?;
        }
        f.write_str(
            "Install them:\n  \
               Debian, Ubuntu  apt-get install postgresql\n  \
               Fedora          dnf install postgresql-server postgresql-contrib\n  \
               macOS           brew install postgresql@17\n\
             or name their folder: CLEAVE__EMBEDDED__BIN_DIR=/folder/with/postgres\n\
             or use servers that you run: CLEAVE__MODULES__USERS__DATABASE_URL, CLEAVE__MODULES__PRODUCTS__DATABASE_URL, \
             CLEAVE__MODULES__ORDERS__DATABASE_URL",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_form() {
        assert_eq!(major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 19devel"), Some(19));
        assert_eq!(major("something else 15.1"), None);
    }
}
