use std::process::{Child, ExitStatus};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::EmbeddedError;
use super::process::{Launch, Stop, end};

/// How the server is, for whoever answers for readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Running,
    /// It died and is being started again, for the `attempt`th time in a row. There is no last
    /// one: what keeps it down, such as a full disk, may pass.
    Restarting {
        attempt: u32,
    },
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A server that lasted this long has recovered, and its next death counts from one.
const STABLE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(100);

/// Owns the thread that owns the server. One thread starts it every time and lives as long as it
/// does, because the signal by which the server learns of our death follows the thread that started
/// it.
pub(super) struct Supervisor {
    stop: Option<mpsc::Sender<std::convert::Infallible>>,
    thread: Option<JoinHandle<()>>,
    state: watch::Receiver<State>,
}

impl Supervisor {
    /// Returns when the server accepts connections.
    pub(super) async fn start(launch: Launch) -> Result<Self, EmbeddedError> {
        let (stop, asked) = mpsc::channel();
        let (started, first_start) = oneshot::channel();
        let (tell, state) = watch::channel(State::Running);
        let thread = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn(move || supervise(&launch, &Stop(asked), &tell, started))
            .map_err(|_| EmbeddedError::Interrupted)?;
        let supervisor = Self {
            stop: Some(stop),
            thread: Some(thread),
            state,
        };
        first_start
            .await
            .map_err(|_| EmbeddedError::Interrupted)??;
        Ok(supervisor)
    }

    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    pub(super) async fn stop(mut self) {
        // A task that cannot be run means that the runtime is going down; then `drop` has done it.
        let _ = tokio::task::spawn_blocking(move || self.end()).await;
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end();
    }
}

fn supervise(
    launch: &Launch,
    stop: &Stop,
    state: &watch::Sender<State>,
    started: oneshot::Sender<Result<(), EmbeddedError>>,
) {
    let mut server = match launch.start(stop) {
        Ok(Some(server)) => server,
        Ok(None) => return,
        Err(e) => {
            // The one who asked has gone away, and took the question along.
            let _ = started.send(Err(e));
            return;
        }
    };
    if started.send(Ok(())).is_err() {
        return end(&mut server);
    }
    let mut attempts = 0;
    loop {
        let begun = Instant::now();
        let Some(status) = death(&mut server, stop) else {
            return end(&mut server);
        };
        if begun.elapsed() > STABLE {
            attempts = 0;
        }
        tracing::error!("the embedded Postgres died ({status}); starting it again");
        let Some(next) = restart(launch, stop, state, &mut attempts) else {
            return;
        };
        server = next;
        state.send_replace(State::Running);
        tracing::warn!("the embedded Postgres runs again");
    }
}

/// `None` when asked to stop.
fn death(server: &mut Child, stop: &Stop) -> Option<ExitStatus> {
    loop {
        if stop.asked_within(TICK) {
            return None;
        }
        if let Ok(Some(status)) = server.try_wait() {
            return Some(status);
        }
    }
}

/// `None` when asked to stop.
fn restart(
    launch: &Launch,
    stop: &Stop,
    state: &watch::Sender<State>,
    attempts: &mut u32,
) -> Option<Child> {
    loop {
        let pause = pause(*attempts);
        *attempts = attempts.saturating_add(1);
        state.send_replace(State::Restarting { attempt: *attempts });
        if stop.asked_within(pause) {
            return None;
        }
        match launch.start(stop) {
            Ok(server) => return server,
            Err(e) => tracing::error!(
                error = &e as &dyn std::error::Error,
                "the embedded Postgres is down: attempt {attempts} to start it failed"
            ),
        }
    }
}

fn pause(failed_attempts: u32) -> Duration {
    let factor = 2u32.saturating_pow(failed_attempts);
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_to_its_longest_and_stays_there() {
        assert_eq!(pause(0), FIRST_PAUSE);
        assert_eq!(pause(3), FIRST_PAUSE * 8);
        assert!(pause(7) < LONGEST_PAUSE);
        assert_eq!(pause(8), LONGEST_PAUSE);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
