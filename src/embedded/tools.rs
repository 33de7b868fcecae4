//! Postgres' programs for those who use a server, ours or another: `pg_dump`, `pg_restore`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::command::limit_environment;
use super::files::Layout;
use super::programs::{library_path, version};
use super::search::{Place, Search};

/// One of them, found.
#[derive(Clone, Debug)]
pub struct Tool {
    program: PathBuf,
    libraries: Vec<PathBuf>,
    major: u32,
}

/// Which of several versions will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Of this major version, or else of the next one: none reads a server that is newer.
    For(u32),
    /// Reads what all others wrote.
    Newest,
}

impl Tool {
    /// Looks in the folder that the setting names, beside the embedded server's programs, where
    /// systems put Postgres, and on the PATH.
    pub fn find(
        name: &'static str,
        wanted: Wanted,
        bin_dir: Option<&Path>,
        data_dir: &Path,
    ) -> Result<Self, ToolMissing> {
        let named = Search::in_folders(bin_dir.map(Path::to_owned));
        let mut search = Search::system();
        if let Ok(Some(layout)) = Layout::existing(data_dir) {
            search = search.and_unpacked_in(&layout.dist());
        }
        let found: Vec<Self> = named
            .places
            .into_iter()
            .chain(search.places)
            .filter_map(|place| Self::in_place(name, place))
            .collect();
        let fit = match wanted {
            // The first of equals was named, or is where the system has it.
            Wanted::For(server) => found
                .iter()
                .filter(|tool| tool.major >= server)
                .min_by_key(|tool| tool.major),
            Wanted::Newest => found.iter().rev().max_by_key(|tool| tool.major),
        };
        fit.cloned().ok_or_else(|| ToolMissing {
            name,
            wanted,
            too_old: found
                .iter()
                .map(|tool| format!("{} in {}", tool.major, tool.program.display()))
                .collect(),
            looked: named.looked.into_iter().chain(search.looked).collect(),
        })
    }

    fn in_place(name: &str, place: Place) -> Option<Self> {
        let program = place.folder.join(name);
        if !program.is_file() {
            return None;
        }
        let major = version(&program, &place.libraries).ok()?;
        Some(Self {
            program,
            libraries: place.libraries,
            major,
        })
    }

    /// To be run with nothing of this environment but what it needs.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        limit_environment(&mut command, &[]);
        command.envs(library_path(&self.libraries).map(|path| ("LD_LIBRARY_PATH", path)));
        command
    }
}

/// Says where it was looked for, and what to install.
#[derive(Debug, thiserror::Error)]
pub struct ToolMissing {
    name: &'static str,
    wanted: Wanted,
    too_old: Vec<String>,
    looked: Vec<String>,
}

impl fmt::Display for ToolMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, looked, .. } = self;
        let (major, newer) = match self.wanted {
            Wanted::For(major) => (format!("-{major}"), format!(" {major} or newer")),
            Wanted::Newest => (String::new(), String::new()),
        };
        writeln!(f, "{name} of PostgreSQL{newer} was not found.")?;
        writeln!(f, "Looked in: {}", looked.join(", "))?;
        if !self.too_old.is_empty() {
            writeln!(f, "Too old for this server: {}", self.too_old.join(", "))?;
        }
        write!(
            f,
            "Install it:\n  \
             Debian, Ubuntu  apt-get install postgresql-client{major}\n  \
             Fedora          dnf install postgresql\n  \
             macOS           brew install postgresql@17\n\
             or name its folder:\n  \
             CLEAVE__EMBEDDED__BIN_DIR=/folder/with/{name}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Tool::find(
            "pg_dump",
            Wanted::For(999),
            Some(folder.path()),
            folder.path(),
        );
        let words = missing.unwrap_err().to_string();
        for word in [
            "pg_dump of PostgreSQL 999 or newer",
            folder.path().to_str().unwrap(),
            "apt-get install postgresql-client-999",
            "CLEAVE__EMBEDDED__BIN_DIR",
        ] {
            assert!(words.contains(word), "{word}: {words}");
        }
    }
}
