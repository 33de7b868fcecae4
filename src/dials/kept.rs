//! Dials outlive their process: each turn is written to the data folder before it takes effect.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use ports_http::Step;
use serde::{Deserialize, Serialize};

use super::file_in;
use crate::settings::Module;

/// The file, as it was read at the start, and as it is written.
pub(super) struct Kept {
    path: PathBuf,
    at_start: Positions,
    now: Mutex<Positions>,
}

pub(super) type Positions = BTreeMap<Module, KeptPosition>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptPosition {
    pub step: Step,
    pub percent: u8,
    pub url: Option<String>,
    /// What the settings said at that time: when they are changed later, they win.
    pub configured: Configured,
    /// In milliseconds since 1970; later than whatever this process had heard of by then.
    #[serde(default)]
    pub turned_at: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Configured {
    pub mode: String,
    pub url: Option<String>,
}

impl Kept {
    pub(super) fn open(data_dir: &Path) -> anyhow::Result<Self> {
        let path = file_in(data_dir);
        let at_start: Positions = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!(
                    "{}: not readable; remove it and turn the dials again",
                    path.display()
                )
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Positions::new(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        Ok(Self {
            path,
            now: Mutex::new(at_start.clone()),
            at_start,
        })
    }

    /// Where the dial was left, unless the settings were changed since.
    pub(super) fn of(&self, module: Module, configured: &Configured) -> Option<&KeptPosition> {
        let kept = self.at_start.get(&module)?;
        if kept.configured == *configured {
            return Some(kept);
        }
        tracing::info!(%module, "the settings of the module have changed; its dial follows them");
        None
    }

    /// Returns when the position is on the disk. It blocks.
    pub(super) fn keep(&self, module: Module, position: KeptPosition) -> io::Result<()> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = now.clone();
        next.insert(module, position);
        self.write(&next)?;
        *now = next;
        Ok(())
    }

    /// Where the dials stand that were ever turned.
    pub(super) fn positions(&self) -> Positions {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.clone()
    }

    /// As `keep`; for this process it holds even when the disk does not take it. It blocks.
    pub(super) fn remember(&self, module: Module, position: KeptPosition) -> io::Result<()> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.insert(module, position);
        self.write(&now)
    }

    /// Keeps the positions that were turned to under these settings. It blocks.
    pub(super) fn retain(&self, stands: impl Fn(Module, &Configured) -> bool) -> io::Result<()> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = now.clone();
        next.retain(|module, kept| stands(*module, &kept.configured));
        if next != *now {
            self.write(&next)?;
            *now = next;
        }
        Ok(())
    }

    fn write(&self, positions: &Positions) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(positions)?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Written beside and renamed: a crash leaves the old file or the new one.
        let fresh = self.path.with_added_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn configured(url: &str) -> Configured {
        Configured {
            mode: "local".to_owned(),
            url: Some(url.to_owned()),
        }
    }

    #[test]
    fn a_turn_is_there_after_a_restart_until_the_settings_change() {
        let folder = tempfile::tempdir().unwrap();
        let position = KeptPosition {
            step: Step::Canary,
            percent: 10,
            url: Some("http://a:1".to_owned()),
            configured: configured("http://a:1"),
            turned_at: 1,
        };
        let kept = Kept::open(folder.path()).unwrap();
        kept.keep(Module::Products, position.clone()).unwrap();
        kept.keep(Module::Users, position.clone()).unwrap();

        let again = Kept::open(folder.path()).unwrap();
        let same = configured("http://a:1");
        assert_eq!(again.of(Module::Products, &same), Some(&position));
        assert_eq!(again.of(Module::Users, &same), Some(&position));
        assert_eq!(again.of(Module::Orders, &same), None);
        let other = configured("http://b:1");
        assert_eq!(again.of(Module::Products, &other), None);

        // A start with other settings ends what was turned under these.
        again
            .retain(|module, of| module == Module::Users || *of == other)
            .unwrap();
        let back = Kept::open(folder.path()).unwrap();
        assert_eq!(back.of(Module::Products, &same), None);
        assert_eq!(back.of(Module::Users, &same), Some(&position));
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(file_in(folder.path()), "{").unwrap();
        let error = Kept::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("dial.json"), "{error}");
    }
}
