//! One trace through every process that a request passes: the context that travels, and the spans
//! that are told of it. Where they are told is somebody else's business; see [`install`].
//!
//! A context is passed on by hand, in what a request or a call carries anyway, and in the row of an
//! event. So a trace does not depend on which thread or task goes on with the work.

mod context;
mod span;

use std::sync::OnceLock;

pub use context::{Context, TraceId};
pub use span::{Ended, Kind, Span, Value};

/// Takes a span that has ended. It is called where the work was done, so it must not wait.
pub type Tell = Box<dyn Fn(Ended) + Send + Sync>;

struct Tracer {
    /// Of the traces that begin in this process.
    sample_ratio: f64,
    tell: Option<Tell>,
}

static TRACER: OnceLock<Tracer> = OnceLock::new();

/// Says which share of the traces that begin here is told, and to whom; without `tell` no span is
/// kept. Until then, and after a second call, which answers `false`, nothing changes.
pub fn install(sample_ratio: f64, tell: Option<Tell>) -> bool {
    TRACER.set(Tracer { sample_ratio, tell }).is_ok()
}

fn sample_ratio() -> f64 {
    TRACER.get().map_or(1.0, |tracer| tracer.sample_ratio)
}

fn tell() -> Option<&'static Tell> {
    TRACER.get()?.tell.as_ref()
}
