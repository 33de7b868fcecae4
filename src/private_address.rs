//! Where a serving process says which address its private listener got, for commands that talk to
//! it: with port 0 the settings do not tell.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The note of this process; gone when it is dropped.
pub struct Note {
    path: PathBuf,
    text: String,
}

impl Note {
    pub fn leave(data_dir: &Path, address: SocketAddr) -> io::Result<Self> {
        let (path, text) = (file_in(data_dir), format!("{address}\n"));
        fs::create_dir_all(data_dir)?;
        // Renamed, so that nobody reads half an address.
        let fresh = path.with_added_extension("new");
        fs::write(&fresh, &text)?;
        fs::rename(&fresh, &path)?;
        Ok(Self { path, text })
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        // A second process may have left its own since; one that stays misleads nobody for long.
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The address in the data folder; `None` when nobody serves from there, or did not end orderly
/// before it could say so.
pub fn noted(data_dir: &Path) -> Option<SocketAddr> {
    let text = fs::read_to_string(file_in(data_dir)).ok()?;
    text.trim_end().parse().ok()
}

fn file_in(data_dir: &Path) -> PathBuf {
    data_dir.join("private.address")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_note_goes_with_its_process_and_leaves_those_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        assert_eq!(noted(&data_dir), None);
        let (first, second) = (
            "127.0.0.1:1000".parse().unwrap(),
            "[::1]:2000".parse().unwrap(),
        );
        let of_first = Note::leave(&data_dir, first).unwrap();
        assert_eq!(noted(&data_dir), Some(first));
        let of_second = Note::leave(&data_dir, second).unwrap();
        drop(of_first);
        assert_eq!(noted(&data_dir), Some(second));
        drop(of_second);
        assert_eq!(noted(&data_dir), None);
    }
}
