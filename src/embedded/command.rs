//! Starting one of Postgres' programs as the right user, tied to the life of the thread that starts
//! it.
#![allow(unsafe_code)]

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::identity::Identity;
use super::programs::Programs;

/// Everything else in the environment stays here: secrets are none of the server's business, and
/// `PG...` variables would change what it does.
const INHERITED: &[&str] = &["PATH", "DYLD_LIBRARY_PATH", "TMPDIR"];

/// In its own process group, so that a terminal's Ctrl-C reaches cleave alone. On Linux it gets
/// SIGINT, which is Postgres' fast shutdown, when the *thread* that started it ends.
pub(super) fn command(programs: &Programs, program: &str, identity: Identity) -> Command {
    let mut command = Command::new(programs.folder.join(program));
    let inherited = INHERITED
        .iter()
        .filter_map(|&name| Some((name, env::var_os(name)?)));
    command
        .env_clear()
        .envs(inherited)
        .env("LC_ALL", "C")
        .env("TZ", "UTC");
    command.envs(
        programs
            .library_path()
            .map(|path| ("LD_LIBRARY_PATH", path)),
    );
    command
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null());
    if let Identity::Other { uid, gid } = identity {
        command.uid(uid.as_raw()).gid(gid.as_raw());
    }
    #[cfg(target_os = "linux")]
    {
        let before_exec = super::linux::BeforeExec::new(identity);
        // SAFETY: the closure runs between fork and exec, where only async-signal-safe calls are
        // allowed. It makes system calls with buffers that were filled before the fork; it neither
        // allocates nor takes a lock.
        unsafe {
            command.pre_exec(move || before_exec.run());
        }
    }
    command
}
