use serde::{Deserialize, Serialize};

/// The answer of a port method.
pub type PortResult<T, R> = Result<T, PortError<R>>;

/// Why a port call has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError<R> {
    /// A business "no". It crosses the wire as typed JSON.
    #[error("rejected")]
    Rejected(R),
    /// The question could not be asked, or was not answered.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl<R> PortError<R> {
    /// Whether the outcome of the call is unknown: it may have taken effect.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// The rejection of a call that has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Never {}

/// Why a port could not be asked. The cause is logged where it was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    #[error("the deadline passed before an answer came")]
    Timeout,
    #[error("the module or its database is unavailable")]
    Unavailable,
    #[error("the module failed to answer")]
    Internal,
}
