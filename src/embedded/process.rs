use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::EmbeddedError;
use super::command::command;
use super::error::At;
use super::files::{Layout, remove_if_there};
use super::identity::Identity;
use super::leftovers;
use super::log::Log;
use super::names::Progress;
use super::programs::Programs;
use super::socket::{self, PORT};

/// Recovery after a crash replays at most `max_wal_size` or so; this is many times what that takes.
const LONGEST_START: Duration = Duration::from_secs(300);
const LONGEST_STOP: Duration = Duration::from_secs(20);

/// On the command line these win over whatever stands in the cluster's own configuration.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("password_encryption", "scram-sha-256"),
    // Three pools of 16, commands, and tests beside them.
    ("max_connections", "200"),
    // After a checkpoint each page is logged whole when it is first written. An import writes to all
    // of every index, and would log little else if checkpoints came every gigabyte.
    ("max_wal_size", "4GB"),
    // Compiling a plan costs more than our short queries do.
    ("jit", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_line_prefix", "%m [%p] %q%u@%d "),
];

/// The sender's end is dropped when the server shall stop.
pub(super) struct Stop(pub(super) mpsc::Receiver<std::convert::Infallible>);

impl Stop {
    pub(super) fn asked_within(&self, time: Duration) -> bool {
        matches!(
            self.0.recv_timeout(time),
            Err(mpsc::RecvTimeoutError::Disconnected)
        )
    }
}

/// All that it takes to start the server, again and again.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) layout: Layout,
    pub(super) programs: Programs,
    pub(super) identity: Identity,
    pub(super) socket: PathBuf,
    pub(super) progress: Progress,
}

impl Launch {
    /// Returns when the server accepts connections; `None` when it was asked to stop before that.
    pub(super) fn start(&self, stop: &Stop) -> Result<Option<Child>, EmbeddedError> {
        let data = self.layout.data();
        leftovers::end(&data, &self.progress)?;
        remove_if_there(&data.join("postmaster.pid"))?;
        for file in socket::files(&self.socket) {
            remove_if_there(&file)?;
        }
        let log = Log::open(self.layout.log())?;
        let mut server = self
            .command(&log)?
            .spawn()
            .at("run", &self.programs.folder.join("postgres"))?;
        let begun = Instant::now();
        let mut next_word = Duration::from_secs(2);
        loop {
            if self.is_ready(&server) {
                return Ok(Some(server));
            }
            if let Some(status) = server.try_wait().at("wait for", &data)? {
                return Err(log.did_not_start(format!("it ended with {status}")));
            }
            if stop.asked_within(Duration::from_millis(10)) {
                end(&mut server);
                return Ok(None);
            }
            if begun.elapsed() > LONGEST_START {
                end(&mut server);
                return Err(log.did_not_start(format!(
                    "it was not ready after {} seconds",
                    LONGEST_START.as_secs()
                )));
            }
            if begun.elapsed() > next_word {
                self.progress
                    .say("Postgres is still starting; after a crash it reads its log first");
                next_word += Duration::from_secs(10);
            }
        }
    }

    fn command(&self, log: &Log) -> Result<Command, EmbeddedError> {
        let mut postgres = command(&self.programs, "postgres", self.identity);
        postgres.arg("-D").arg(self.layout.data());
        for (name, value) in SETTINGS {
            postgres.arg("-c").arg(format!("{name}={value}"));
        }
        let buffers = format!("shared_buffers={}MB", shared_buffers());
        postgres.arg("-c").arg(buffers);
        postgres.arg("-c").arg(format!("port={PORT}"));
        // Quoted, since a comma would otherwise separate two folders.
        postgres.arg("-c").arg(format!(
            "unix_socket_directories=\"{}\"",
            self.socket.display()
        ));
        postgres.stdout(log.writer()?).stderr(log.writer()?);
        Ok(postgres)
    }

    /// The server writes its own state into this file, on the eighth line.
    fn is_ready(&self, server: &Child) -> bool {
        let Ok(text) = fs::read_to_string(self.layout.data().join("postmaster.pid")) else {
            return false;
        };
        let mut lines = text.lines();
        lines.next() == Some(&server.id().to_string())
            && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }
}

/// In MiB: an eighth of the machine's memory, and at least Postgres' own default. It is taken page
/// by page, as databases grow.
fn shared_buffers() -> u64 {
    let told = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = told.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|total| total.trim().trim_end_matches(" kB").parse().ok());
    (kibibytes.unwrap_or(0_u64) / 1024 / 8).clamp(128, 4096)
}

/// Postgres' fast shutdown; a server that does not manage it in time is cut off, and recovers at
/// its next start.
pub(super) fn end(server: &mut Child) {
    for (signal, patience) in [
        (Signal::SIGINT, LONGEST_STOP),
        (Signal::SIGQUIT, Duration::from_secs(5)),
    ] {
        // The process is our child and not yet waited for, so its number is still its own.
        let _ = kill(Pid::from_raw(server.id().cast_signed()), signal);
        if ended_within(server, patience).is_some() {
            return;
        }
    }
    let _ = server.kill();
    let _ = server.wait();
}

pub(super) fn ended_within(server: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Ok(Some(status)) = server.try_wait() {
            return Some(status);
        }
        if begun.elapsed() >= patience {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
