//! What a killed run left behind. The caller holds the lock, so no living cleave stands behind
//! these processes.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{EmbeddedError, Progress};

const PHASES: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(10)),
    (Signal::SIGQUIT, Duration::from_secs(5)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// Ends every Postgres process that works in this data folder, gently at first: the server of a
/// cleave that was killed is on its way down already and may need its time for a last checkpoint.
pub(super) fn end(data: &Path, progress: &Progress) -> Result<(), EmbeddedError> {
    let mut sent = None;
    for (signal, patience) in PHASES {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            let holders = holders(data);
            if holders.is_empty() {
                return Ok(());
            }
            if sent.replace(signal) != Some(signal) {
                progress.say("Waiting for the Postgres of an earlier run to end");
                for process in holders {
                    // One that is gone by now is what we want.
                    let _ = kill(process, signal);
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    let processes = holders(data).iter().map(Pid::to_string).collect::<Vec<_>>();
    Err(EmbeddedError::OldServer {
        path: data.to_owned(),
        processes: processes.join(", "),
    })
}

/// A server and its helpers keep the data folder as their working directory, whatever a stale
/// `postmaster.pid` says.
#[cfg(target_os = "linux")]
fn holders(data: &Path) -> Vec<Pid> {
    let Ok(data) = fs::canonicalize(data) else {
        return Vec::new();
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let holds = |process: &Path| {
        fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == data)
            && fs::read_to_string(process.join("comm"))
                .is_ok_and(|name| name.starts_with("postgres"))
    };
    processes
        .filter_map(|entry| {
            Some(Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
                .filter(|_| holds(&entry.path()))
        })
        .collect()
}

/// Without `/proc`, the server that `postmaster.pid` names, when that process is a Postgres with
/// this data folder.
#[cfg(not(target_os = "linux"))]
fn holders(data: &Path) -> Vec<Pid> {
    let named = fs::read_to_string(data.join("postmaster.pid")).ok();
    let pid = named.and_then(|text| text.lines().next()?.trim().parse().ok());
    let runs = |pid: &i32| {
        let shown = std::process::Command::new("ps")
            .args(["-o", "command=", "-p", &pid.to_string()])
            .output();
        shown.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).contains(&*data.to_string_lossy()))
    };
    pid.filter(runs).map(Pid::from_raw).into_iter().collect()
}
