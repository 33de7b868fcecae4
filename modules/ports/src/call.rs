use std::time::{Duration, Instant};

use trace::Context;
use uuid::Uuid;

/// What travels with every port call, local or remote.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// When the caller stops waiting. Work past this instant is wasted.
    pub deadline: Instant,
    /// The request id of the public request, or of the background job, that caused the call.
    pub request_id: String,
    /// On whose behalf; `None` for the system's own work.
    pub caller: Option<Uuid>,
    /// Of whatever caused the call.
    pub trace: Option<Context>,
}

impl CallContext {
    /// A call made by the system itself, such as the delivery of an event.
    pub fn system(request_id: impl Into<String>, budget: Duration) -> Self {
        Self {
            deadline: Instant::now() + budget,
            request_id: request_id.into(),
            caller: None,
            trace: None,
        }
    }

    /// A call that goes on with a trace.
    #[must_use]
    pub fn traced(self, trace: Option<Context>) -> Self {
        Self { trace, ..self }
    }

    /// What is left of the budget; zero when it is spent.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}
