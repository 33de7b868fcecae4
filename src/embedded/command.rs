//! Starting one of Postgres' programs as the right user, tied to the life of the thread that starts
//! it.
#![allow(unsafe_code)]

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::identity::Identity;
use super::programs::Programs;

/// Everything else in the environment stays here: secrets are none of another program's business,
/// and `PG...` variables would change what Postgres does.
const INHERITED: &[&str] = &["PATH", "DYLD_LIBRARY_PATH", "TMPDIR"];

/// The environment of another program: what is inherited, and the variables `more`, where they are
/// set.
pub(super) fn limit_environment(command: &mut Command, more: &[&str]) {
    let inherited = INHERITED
        .iter()
        .chain(more)
        .filter_map(|&name| Some((name, env::var_os(name)?)));
    command.env_clear().envs(inherited).env("LC_ALL", "C");
}

/// In its own process group, so that a terminal's Ctrl-C reaches cleave alone. On Linux it gets
/// SIGINT, which is Postgres' fast shutdown, when the *thread* that started it ends.
pub(super) fn command(programs: &Programs, program: &str, identity: Identity) -> Command {
    let mut command = Command::new(programs.folder.join(program));
    limit_environment(&mut command, &[]);
    command.env("TZ", "UTC").envs(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_sees_only_what_is_named() {
        let names = |more| {
            let mut command = Command::new("env");
            limit_environment(&mut command, more);
            let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
            let name = |line: &str| line.split('=').next().map(str::to_owned);
            shown.lines().filter_map(name).collect::<Vec<_>>()
        };
        // Cargo sets it for every test.
        const SET: &str = "CARGO_MANIFEST_DIR";
        let inherited = names(&[]);
        assert!(inherited.iter().any(|name| name == "PATH"));
        assert!(inherited.iter().all(|name| name != SET), "{inherited:?}");
        assert!(names(&[SET, "NOT_SET"]).iter().any(|name| name == SET));
    }
}
