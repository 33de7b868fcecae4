use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{Gid, Uid, User, geteuid};

use super::EmbeddedError;
use super::command::command;
use super::error::At;
use super::files::Layout;
use super::programs::Programs;

/// Who runs the server. Postgres refuses root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// We are an ordinary user already.
    Same,
    /// Root becomes this user, to whom the cluster belongs.
    Other { uid: Uid, gid: Gid },
    /// Root appears as this user in a namespace, and the cluster belongs to root: for folders that
    /// only root may enter.
    Mapped { uid: Uid, gid: Gid },
}

/// Whose cluster this is, when there is one.
pub(super) type Owner = Option<(Uid, Gid)>;

/// Refuses a cluster that another user made, unless we are root.
pub(super) fn owner(layout: &Layout) -> Result<Owner, EmbeddedError> {
    let data = layout.data();
    let folder = match fs::metadata(&data) {
        Ok(folder) => folder,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).at("look at", &data),
    };
    let (owner, me) = (Uid::from_raw(folder.uid()), geteuid());
    if owner != me && !me.is_root() {
        return Err(EmbeddedError::OtherUser {
            path: data,
            owner: owner.as_raw(),
            me: me.as_raw(),
        });
    }
    Ok(Some((owner, Gid::from_raw(folder.gid()))))
}

/// The owner of an existing cluster decides; for a new one, the first who can reach both the folder
/// and the programs.
pub(super) fn choose(
    owner: Owner,
    layout: &Layout,
    programs: &Programs,
) -> Result<Identity, EmbeddedError> {
    let data = layout.data();
    match owner {
        _ if !geteuid().is_root() => Ok(Identity::Same),
        Some((uid, gid)) if !uid.is_root() => {
            let why = || {
                format!(
                    "user {uid}, who owns {}, cannot enter it or cannot run {}",
                    data.display(),
                    programs.folder.display()
                )
            };
            first_able([Identity::Other { uid, gid }], layout, programs, why)
        }
        Some(_) => {
            let why = || {
                format!(
                    "{} was made in a user namespace, which this system does not allow now",
                    data.display()
                )
            };
            first_able(mapped(), layout, programs, why)
        }
        None => {
            let why = || {
                format!(
                    "no other user here can enter {}, nor are user namespaces allowed",
                    layout.folder().display()
                )
            };
            first_able(others().chain(mapped()), layout, programs, why)
        }
    }
}

fn candidates() -> impl Iterator<Item = User> {
    ["postgres", "_postgres", "daemon", "nobody"]
        .iter()
        .filter_map(|name| User::from_name(name).ok().flatten())
}

fn others() -> impl Iterator<Item = Identity> {
    candidates().map(|user| Identity::Other {
        uid: user.uid,
        gid: user.gid,
    })
}

/// `initdb` wants a user who has a name, inside the namespace too.
fn mapped() -> impl Iterator<Item = Identity> {
    let user = if cfg!(target_os = "linux") {
        candidates().next()
    } else {
        None
    };
    user.map(|user| Identity::Mapped {
        uid: user.uid,
        gid: user.gid,
    })
    .into_iter()
}

fn first_able(
    identities: impl IntoIterator<Item = Identity>,
    layout: &Layout,
    programs: &Programs,
    why: impl FnOnce() -> String,
) -> Result<Identity, EmbeddedError> {
    let able = identities
        .into_iter()
        .find(|&identity| is_able(identity, layout.folder(), programs));
    able.ok_or_else(|| EmbeddedError::NobodyToRunIt { why: why() })
}

/// Tried rather than reasoned about: modes, access lists, container profiles and mount options all
/// have a say.
fn is_able(identity: Identity, folder: &Path, programs: &Programs) -> bool {
    let mut probe = command(programs, "postgres", identity);
    probe
        .arg("--version")
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

impl Identity {
    /// Gives a file that we made to the one who runs the server.
    pub(super) fn own(self, path: &Path) -> Result<(), EmbeddedError> {
        let Self::Other { uid, gid } = self else {
            return Ok(());
        };
        lchown(path, Some(uid.as_raw()), Some(gid.as_raw())).at("change the owner of", path)
    }

    pub(super) fn make_folder(self, path: &Path) -> Result<(), EmbeddedError> {
        DirBuilder::new()
            .mode(0o700)
            .create(path)
            .at("create the folder", path)?;
        self.own(path)
    }

    /// True for a folder, not a link to one, that only the server's user may enter.
    pub(super) fn keeps_private(self, path: &Path) -> bool {
        let uid = if let Self::Other { uid, .. } = self {
            uid
        } else {
            geteuid()
        };
        fs::symlink_metadata(path)
            .is_ok_and(|m| m.is_dir() && m.uid() == uid.as_raw() && m.mode() & 0o077 == 0)
    }
}
