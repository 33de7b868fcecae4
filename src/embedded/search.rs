use std::cmp::Reverse;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders named after a major version, as parent, prefix, rest: `/usr/lib/postgresql/17/bin`.
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

/// Where to look for Postgres' programs when no setting names their folder.
#[derive(Clone, Debug)]
pub struct Search {
    pub(super) places: Vec<Place>,
    pub(super) looked: Vec<String>,
    pub(super) fetches: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// Of packages that were only unpacked.
    pub(super) libraries: Vec<PathBuf>,
}

impl Search {
    /// Where systems put Postgres, the newest version first, then `PATH`; then it is fetched, where
    /// that is possible.
    pub fn system() -> Self {
        let mut folders = Vec::new();
        let mut looked = Vec::new();
        for &(parent, prefix, rest) in VERSIONED {
            looked.push(
                format!("{parent}/{prefix}<version>/{rest}")
                    .trim_end_matches('/')
                    .to_owned(),
            );
            let versions = versions(Path::new(parent), prefix);
            folders.extend(versions.into_iter().map(|(_, folder)| folder.join(rest)));
        }
        looked.push("PATH".to_owned());
        folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
        Self {
            looked,
            ..Self::in_folders(folders)
        }
        .or_fetch()
    }

    pub fn in_folders(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        let places: Vec<_> = folders
            .into_iter()
            .map(|folder| Place {
                folder,
                libraries: Vec::new(),
            })
            .collect();
        let looked = places
            .iter()
            .map(|place| place.folder.display().to_string())
            .collect();
        Self {
            places,
            looked,
            fetches: false,
        }
    }

    pub fn or_fetch(self) -> Self {
        Self {
            fetches: true,
            ..self
        }
    }

    /// What was fetched earlier.
    pub(super) fn and_unpacked_in(mut self, dist: &Path) -> Self {
        self.places
            .extend(versions(dist, "").into_iter().map(|(major, root)| Place {
                folder: root.join(format!("usr/lib/postgresql/{major}/bin")),
                libraries: libraries(&root),
            }));
        self
    }
}

/// Newest first.
fn versions(parent: &Path, prefix: &str) -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|e| {
            Some((
                e.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?,
                e.path(),
            ))
        })
        .collect();
    found.sort_by_key(|(major, _)| Reverse(*major));
    found
}

/// Debian's folders for each architecture: `usr/lib/x86_64-linux-gnu`.
fn libraries(root: &Path) -> Vec<PathBuf> {
    let parents = [root.join("usr/lib"), root.join("lib")];
    let entries = parents.iter().flat_map(fs::read_dir).flatten().flatten();
    entries
        .map(|e| e.path())
        .filter(|path| path.to_string_lossy().contains("-linux-gnu"))
        .collect()
}
