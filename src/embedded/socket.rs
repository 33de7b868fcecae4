use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::EmbeddedError;
use super::files::{Layout, read_if_there, remove_tree};
use super::identity::Identity;

/// Names the socket, never a network port.
pub(super) const PORT: u16 = 5432;

/// What a socket's address can hold is 107 bytes on Linux and 103 on macOS.
const LONGEST: usize = 100;

/// `run/` in our folder, or a private folder with a short name where that path is too long for a
/// socket.
pub(super) fn folder(layout: &Layout, identity: Identity) -> Result<PathBuf, EmbeddedError> {
    let own = layout.run();
    if fits(&own) {
        if !identity.keeps_private(&own) {
            remove_tree(&own)?;
            identity.make_folder(&own)?;
        }
        return Ok(own);
    }
    // The one that an earlier run made, if nobody put something else in its place.
    let earlier = read_if_there(&layout.running())?.map(PathBuf::from);
    if let Some(folder) = earlier.filter(|folder| fits(folder) && identity.keeps_private(folder)) {
        return Ok(folder);
    }
    // Everyone may write there: the name cannot be guessed, and making it fails when it exists.
    let temporary = Some(env::temp_dir()).filter(|t| fits(&t.join("cleave-0123456789abcdef")));
    let name = format!("cleave-{:016x}", rand::random::<u64>());
    let folder = temporary
        .unwrap_or_else(|| PathBuf::from("/tmp"))
        .join(name);
    identity.make_folder(&folder)?;
    Ok(folder)
}

/// Removes the folder when it is not ours for good; it is empty once the server has stopped.
pub(super) fn tidy(layout: &Layout, folder: &Path) {
    if folder != layout.run() {
        // Nothing depends on it: the next start makes another.
        let _ = fs::remove_dir(folder);
    }
}

/// A quotation mark would end the name in Postgres' setting.
fn fits(folder: &Path) -> bool {
    folder.join(format!(".s.PGSQL.{PORT}")).as_os_str().len() <= LONGEST
        && folder
            .to_str()
            .is_some_and(|text| !text.contains(['"', '\n']))
}

/// What a server that was killed leaves there.
pub(super) fn files(folder: &Path) -> [PathBuf; 2] {
    [format!(".s.PGSQL.{PORT}"), format!(".s.PGSQL.{PORT}.lock")].map(|name| folder.join(name))
}
