//! What a new process does between fork and exec: system calls only, nothing that allocates.

use std::ffi::CStr;
use std::io;

use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getegid, geteuid, getppid, write};

use super::identity::Identity;

pub(super) struct BeforeExec {
    parent: Pid,
    maps: Option<Maps>,
}

impl BeforeExec {
    pub(super) fn new(identity: Identity) -> Self {
        let Identity::Mapped { uid, gid } = identity else {
            return Self {
                parent: Pid::this(),
                maps: None,
            };
        };
        let maps = Maps {
            uid: format!("{uid} {} 1\n", geteuid()).into(),
            gid: format!("{gid} {} 1\n", getegid()).into(),
        };
        Self {
            parent: Pid::this(),
            maps: Some(maps),
        }
    }

    pub(super) fn run(&self) -> io::Result<()> {
        if let Some(maps) = &self.maps {
            maps.enter()?;
        }
        // Last, since a change of user clears it.
        set_pdeathsig(Signal::SIGINT)?;
        // A parent that died before that line sends no signal any more.
        if getppid() == self.parent {
            Ok(())
        } else {
            Err(io::ErrorKind::Interrupted.into())
        }
    }
}

/// A user namespace of its own, in which this process appears as another user while it keeps its
/// rights on files outside.
struct Maps {
    uid: Vec<u8>,
    gid: Vec<u8>,
}

impl Maps {
    fn enter(&self) -> io::Result<()> {
        unshare(CloneFlags::CLONE_NEWUSER)?;
        // The kernel wants this before it lets a group be mapped.
        fill(c"/proc/self/setgroups", b"deny")?;
        fill(c"/proc/self/uid_map", &self.uid)?;
        fill(c"/proc/self/gid_map", &self.gid)
    }
}

fn fill(path: &CStr, content: &[u8]) -> io::Result<()> {
    let file = open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    write(file, content)?;
    Ok(())
}
