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
    /// It died and is being started again, for the `attempt`th time in a row.
    Restarting {
        attempt: u32,
    },
    /// It died once more after the last attempt. Nothing but a new start of cleave will bring it
    /// back.
    GaveUp,
}

const MOST_ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
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

/// `None` when asked to stop, or when all attempts have failed.
fn restart(
    launch: &Launch,
    stop: &Stop,
    state: &watch::Sender<State>,
    attempts: &mut u32,
) -> Option<Child> {
    while *attempts < MOST_ATTEMPTS {
        let pause = FIRST_PAUSE * 2u32.pow(*attempts);
        *attempts += 1;
        state.send_replace(State::Restarting { attempt: *attempts });
        if stop.asked_within(pause) {
            return None;
        }
        match launch.start(stop) {
            Ok(server) => return server,
            Err(e) => tracing::error!(
                error = &e as &dyn std::error::Error,
                "attempt {attempts} of {MOST_ATTEMPTS} to start the embedded Postgres failed"
            ),
        }
    }
    tracing::error!(
        "the embedded Postgres stays down after {MOST_ATTEMPTS} attempts; see {}",
        launch.layout.log().display()
    );
    state.send_replace(State::GaveUp);
    None
}
