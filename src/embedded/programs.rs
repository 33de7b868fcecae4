use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::command::limit_environment;
use super::error::At;
use super::files::{Layout, read_if_there};
use super::missing::Missing;
use super::names::Progress;
use super::search::{Place, Search};
use super::{EmbeddedError, fetch};

/// The first major version in which the owner of a database may create `pg_trgm` in it.
pub(super) const OLDEST: u32 = 13;

/// A folder with `postgres` and `initdb` that run here.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
    libraries: Vec<PathBuf>,
}

impl Programs {
    /// Where packages were only unpacked, the system does not know their libraries.
    pub(super) fn library_path(&self) -> Option<OsString> {
        library_path(&self.libraries)
    }
}

pub(super) fn library_path(libraries: &[PathBuf]) -> Option<OsString> {
    let usual = env::var_os("LD_LIBRARY_PATH");
    if libraries.is_empty() {
        return usual;
    }
    let usual = usual.iter().flat_map(env::split_paths);
    env::join_paths(libraries.iter().cloned().chain(usual)).ok()
}

/// The programs for this cluster, or for a new one. The setting alone decides when it is there:
/// whoever sets it does not want a surprise.
pub(super) fn find(
    setting: Option<&Path>,
    search: Search,
    layout: &Layout,
    progress: &Progress,
) -> Result<Programs, EmbeddedError> {
    let data = layout.data();
    let wanted = cluster_major(&data)?;
    let missing = |error: Unfit| error.into_error(wanted, &data);
    if let Some(folder) = setting {
        return first_fit(Search::in_folders([folder.to_owned()]), wanted).map_err(missing);
    }
    let fetches = search.fetches && fetch::is_possible();
    let unfit = match first_fit(search.and_unpacked_in(&layout.dist()), wanted) {
        Ok(programs) => return Ok(programs),
        Err(unfit) if !fetches => return Err(missing(unfit)),
        Err(unfit) => unfit,
    };
    match fetch::fetch(layout, wanted, progress) {
        Ok(()) => first_fit(
            Search::in_folders([]).and_unpacked_in(&layout.dist()),
            wanted,
        )
        .map_err(missing),
        Err(why) => Err(missing(Unfit {
            not_fetched: Some(why),
            ..unfit
        })),
    }
}

fn cluster_major(data: &Path) -> Result<Option<u32>, EmbeddedError> {
    let file = data.join("PG_VERSION");
    let Some(text) = read_if_there(&file)? else {
        return Ok(None);
    };
    text.trim()
        .parse()
        .map(Some)
        .map_err(io::Error::other)
        .at("understand", &file)
}

/// The first programs that run and are of the wanted version.
fn first_fit(search: Search, wanted: Option<u32>) -> Result<Programs, Unfit> {
    let mut unfit = Unfit {
        looked: search.looked,
        ..Unfit::default()
    };
    for Place { folder, libraries } in search.places {
        let Some(folder) = resolve(&folder) else {
            continue;
        };
        match version(&folder.join("postgres"), &libraries) {
            Ok(major) if wanted.map_or(major >= OLDEST, |wanted| wanted == major) => {
                return Ok(Programs {
                    folder,
                    major,
                    libraries,
                });
            }
            Ok(major) => unfit
                .other_versions
                .push(format!("{major} in {}", folder.display())),
            Err(why) => unfit.broken.push(format!("{} ({why})", folder.display())),
        }
    }
    Err(unfit)
}

#[derive(Default)]
struct Unfit {
    looked: Vec<String>,
    other_versions: Vec<String>,
    broken: Vec<String>,
    not_fetched: Option<String>,
}

impl Unfit {
    fn into_error(self, wanted: Option<u32>, data: &Path) -> EmbeddedError {
        let Self {
            looked,
            other_versions,
            broken,
            not_fetched,
        } = self;
        match wanted {
            Some(cluster) if !other_versions.is_empty() => EmbeddedError::WrongMajor {
                data: data.to_owned(),
                cluster,
                found: other_versions.join(", "),
            },
            _ => EmbeddedError::ProgramsMissing(Missing {
                looked,
                too_old: other_versions,
                broken,
                not_fetched,
            }),
        }
    }
}

/// The real folder: a `postgres` on the PATH may be a link, and finds its libraries and its
/// `initdb` from where it really is.
fn resolve(folder: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(folder.join("postgres"))
        .ok()?
        .parent()?
        .to_owned();
    real.join("initdb").is_file().then_some(real)
}

/// The major version of one of Postgres' programs.
pub(super) fn version(program: &Path, libraries: &[PathBuf]) -> Result<u32, String> {
    let mut program = Command::new(program);
    limit_environment(&mut program, &[]);
    program
        .arg("--version")
        .envs(library_path(libraries).map(|path| ("LD_LIBRARY_PATH", path)));
    let output = program.output().map_err(|e| e.to_string())?;
    major(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// `postgres (PostgreSQL) 17.5 (Debian ...)`, `18beta1`, `19devel`.
fn major(version_line: &str) -> Option<u32> {
    let number = version_line.split_once("(PostgreSQL) ")?.1;
    number
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_form() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 19devel"), Some(19));
        assert_eq!(major("something else 15.1"), None);
    }
}
