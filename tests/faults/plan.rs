//! What will go wrong, and who will be there: all of it follows from the seed.

use std::time::Duration;

use cleave::settings::Module;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::points::{POINTS, Point};
use crate::support::proxy::Mode;

/// Which processes there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layout {
    One,
    /// Two of the same program on the same databases; clients speak to either.
    Replicas,
    /// A front, and products in a process of its own behind a line that breaks.
    Split,
    /// One, with the database server that it runs itself.
    Embedded,
}

impl Layout {
    pub const ALL: [Self; 4] = [Self::One, Self::Replicas, Self::Split, Self::Embedded];

    pub fn processes(self) -> usize {
        match self {
            Self::One | Self::Embedded => 1,
            Self::Replicas | Self::Split => 2,
        }
    }
}

/// A point that a process will be killed at, and at which passage.
pub type Armed = Option<(&'static str, u32)>;

#[derive(Clone, Debug)]
pub enum Fault {
    /// At the armed point, if it gets there soon, else wherever it is. It is started again with
    /// another point armed; what comes next does not always wait until it is ready.
    Kill {
        process: usize,
        next: Armed,
        patient: bool,
    },
    /// SIGSTOP, and SIGCONT that much later.
    Freeze { process: usize, pause: Duration },
    /// The process is started again so that it dies here, and it must.
    DieAt(Point),
    /// SIGKILL to the database server of the process.
    KillServer,
    /// Every connection to a module's database ends.
    Cut(Module),
    /// What the line between front and products does for a while.
    Line(Mode, Duration),
}

#[derive(Clone, Debug)]
pub struct Step {
    /// So many answers after the step before.
    pub after: usize,
    pub fault: Fault,
}

#[derive(Debug)]
pub struct Plan {
    pub seed: u64,
    pub layout: Layout,
    /// Orders to ask for.
    pub orders: usize,
    /// Where each process dies first.
    pub armed: Vec<Armed>,
    pub steps: Vec<Step>,
}

const BUSY: f64 = 0.7;

impl Plan {
    pub fn of(seed: u64, layout: Layout, kills: usize, orders: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let armed = (0..layout.processes()).map(|_| arm(&mut random)).collect();
        let (mut faults, mut left) = (Vec::new(), kills);
        while left > 0 {
            let fault = random_fault(layout, &mut random);
            left -= usize::from(matches!(fault, Fault::Kill { .. }));
            faults.push(fault);
        }
        let apart = (orders / faults.len().max(1)).max(1);
        let steps = faults.into_iter().map(|fault| Step {
            after: random.random_range(0..=2 * apart),
            fault,
        });
        Self {
            seed,
            layout,
            orders,
            armed,
            steps: steps.collect(),
        }
    }

    /// A process dies at every point, one after the other.
    pub fn every_point() -> Self {
        let steps = POINTS.iter().map(|&point| Step {
            after: 0,
            fault: Fault::DieAt(point),
        });
        Self {
            seed: 0,
            layout: Layout::One,
            orders: 0,
            armed: vec![None],
            steps: steps.collect(),
        }
    }

    /// Of somebody who takes part.
    pub fn random_of(&self, actor: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(actor + 1);
        random
    }
}

fn arm(random: &mut ChaCha8Rng) -> Armed {
    let point = POINTS.choose(random)?;
    random
        .random_bool(BUSY)
        .then(|| (point.name, random.random_range(1..12)))
}

fn random_fault(layout: Layout, random: &mut ChaCha8Rng) -> Fault {
    let process = random.random_range(0..layout.processes());
    match random.random_range(0..10) {
        0..5 => Fault::Kill {
            process,
            next: arm(random),
            patient: random.random_bool(BUSY),
        },
        5..7 => {
            // Some are longer than a hold lives, and than a call may take.
            let ms = match random.random_bool(0.2) {
                true => 1_500..3_000,
                false => 20..500,
            };
            let pause = Duration::from_millis(random.random_range(ms));
            Fault::Freeze { process, pause }
        }
        7..10 if layout == Layout::Split && random.random_bool(BUSY) => {
            let modes = [
                Mode::Refuse,
                Mode::Reset,
                Mode::Delay(Duration::from_millis(random.random_range(5..300))),
                Mode::Hang,
                Mode::ResetAfter(0),
                Mode::Truncate(random.random_range(1..300)),
                Mode::OneAnswer,
            ];
            let mode = modes[random.random_range(0..modes.len())];
            Fault::Line(mode, Duration::from_millis(random.random_range(50..1_500)))
        }
        _ if layout == Layout::Embedded => Fault::KillServer,
        _ => Fault::Cut(Module::ALL[random.random_range(0..Module::ALL.len())]),
    }
}
