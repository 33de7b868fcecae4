use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::EmbeddedError;
use super::error::At;

const LARGEST: u64 = 64 << 20;

/// What one run of the server writes, at the end of what earlier runs wrote.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    begin: u64,
}

impl Log {
    pub(super) fn open(path: PathBuf) -> Result<Self, EmbeddedError> {
        if fs::metadata(&path).is_ok_and(|log| log.len() > LARGEST) {
            fs::rename(&path, path.with_extension("log.old")).at("rename", &path)?;
        }
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .at("open", &path)?;
        let begin = file.metadata().at("look at", &path)?.len();
        Ok(Self { path, file, begin })
    }

    pub(super) fn writer(&self) -> Result<File, EmbeddedError> {
        self.file.try_clone().at("open", &self.path)
    }

    pub(super) fn did_not_start(self, why: String) -> EmbeddedError {
        let mut said = Vec::new();
        // Without the log there is still the reason.
        let _ = File::open(&self.path).and_then(|mut log| {
            log.seek(SeekFrom::Start(self.begin))?;
            log.read_to_end(&mut said)
        });
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<_> = said.lines().collect();
        let tail = lines[lines.len().saturating_sub(12)..].join("\n");
        EmbeddedError::DidNotStart {
            why,
            log: self.path,
            tail,
        }
    }
}
