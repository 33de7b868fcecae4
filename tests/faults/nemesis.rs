//! Carries the plan out.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cleave::settings::Module;
use nix::sys::signal::Signal;
use sqlx::{Connection, PgConnection};

use crate::ledger::Ledger;
use crate::plan::{Armed, Fault, Plan};
use crate::support::proxy::Mode;
use crate::support::{admin_options, eventually};
use crate::town::{Town, points};

/// Without answers the plan goes on as well.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Answers until an armed process should have met its point.
const SOON: usize = 40;

#[derive(Debug, Default)]
pub struct Toll {
    pub killed_at_points: usize,
    pub killed_anywhere: usize,
    pub frozen: usize,
    pub servers: usize,
    pub cut: usize,
    pub lines: usize,
}

pub struct Nemesis<'a> {
    pub town: &'a mut Town,
    pub ledger: &'a Ledger,
    /// What each process is armed with.
    pub armed: Vec<Armed>,
    pub toll: Toll,
}

impl Nemesis<'_> {
    /// Gives each process its first point to die at.
    pub async fn arm(&mut self, armed: &[Armed]) {
        for (process, &point) in armed.iter().enumerate() {
            self.kill(process, point, true).await;
        }
    }

    pub async fn carry_out(&mut self, plan: &Plan) {
        for step in &plan.steps {
            self.wait(step.after).await;
            self.bring_about(&step.fault).await;
        }
        // What is left of the orders is asked for in peace.
        for process in 0..self.armed.len() {
            self.kill(process, None, true).await;
        }
    }

    async fn wait(&self, answers: usize) {
        let count = self.ledger.answers() + answers;
        let answered = self.ledger.until_answers(count);
        let _ = tokio::time::timeout(PATIENCE, answered).await;
    }

    async fn bring_about(&mut self, fault: &Fault) {
        match *fault {
            Fault::Kill {
                process,
                next,
                patient,
            } => self.kill(process, next, patient).await,
            Fault::Freeze { process, pause } => {
                if self.town.is_alive(process) {
                    self.town.signal(process, Signal::SIGSTOP);
                    tokio::time::sleep(pause).await;
                    self.town.signal(process, Signal::SIGCONT);
                    self.toll.frozen += 1;
                }
            }
            Fault::DieAt(point) => {
                let armed = format!("{}=kill,{}", point.name, point.beside);
                self.town.replace(0, &armed).await;
                let reached = async || !self.town.is_alive(0);
                eventually(&format!("{} is reached", point.name), reached).await;
            }
            Fault::KillServer => {
                // Without one, a process cannot start.
                self.town.ready(0).await;
                self.town.kill_server();
                self.toll.servers += 1;
            }
            Fault::Cut(module) => {
                cut(module, self.town).await;
                self.toll.cut += 1;
            }
            Fault::Line(mode, pause) => {
                let line = self.town.line.as_ref().unwrap();
                line.set(mode).await;
                tokio::time::sleep(pause).await;
                line.set(Mode::Pass).await;
                self.toll.lines += 1;
            }
        }
        // Nobody stays dead until the plan has him killed.
        for process in 0..self.armed.len() {
            if !self.town.is_alive(process) {
                self.kill(process, None, false).await;
            }
        }
    }

    async fn kill(&mut self, process: usize, next: Armed, patient: bool) {
        if self.armed[process].is_some() && self.town.is_alive(process) {
            self.wait(SOON).await;
        }
        match self.town.is_alive(process) {
            true => self.toll.killed_anywhere += 1,
            false => self.toll.killed_at_points += 1,
        }
        self.town.replace(process, &points(next)).await;
        self.armed[process] = next;
        if patient {
            self.town.ready(process).await;
        }
    }
}

/// As when the database server is restarted, or a firewall forgets its connections.
async fn cut(module: Module, town: &Town) {
    let name = town
        .options(module)
        .await
        .get_database()
        .unwrap()
        .to_owned();
    let options = admin_options().await;
    let mut admin = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1")
        .bind(name)
        .execute(&mut admin)
        .await
        .unwrap();
}

/// Asks for what is left of the orders, then ends the day.
pub async fn close_shop(ledger: &Ledger, orders: usize, over: &std::sync::atomic::AtomicBool) {
    while ledger.wishes() < orders {
        ledger.until_answers(ledger.answers() + 1).await;
    }
    over.store(true, Ordering::Relaxed);
}
