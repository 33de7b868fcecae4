use ports::Failure;

use crate::Repeat;

/// Why a peer gave no answer that counts.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("the circuit is open")]
    CircuitOpen,
    #[error("too many calls are under way")]
    TooManyInFlight,
    #[error("cannot connect: {0}")]
    NotConnected(String),
    #[error("no answer in time")]
    TimedOut,
    #[error("the connection broke: {0}")]
    Broken(String),
    /// As [`Fault::Broken`], on a connection that the peer may have closed as it was taken up. The
    /// same is asked on a new one, which will tell.
    #[error("the connection closed: {0}")]
    Closed(String),
    /// Whoever sent the request that was being sent on.
    #[error("the client went away")]
    ClientGone,
    #[error("the client did not send all of it in time")]
    ClientSlow,
    #[error("the answer cannot be read: {0}")]
    Undecodable(String),
    /// An answer, but not of the module: of a proxy, or of a process that does not serve the call.
    #[error("answered {0}{hint}", hint = hint(*.0))]
    Refused(u16),
}

fn hint(status: u16) -> &'static str {
    match status {
        401 => ": internal.secret differs, or the clocks do",
        404 => ": the module is not hosted there, or speaks another port version",
        _ => "",
    }
}

impl Fault {
    /// Whether it is certain that nobody has seen the call.
    fn nothing_was_sent(&self) -> bool {
        matches!(
            self,
            Self::CircuitOpen | Self::TooManyInFlight | Self::NotConnected(_)
        )
    }

    /// Whether a process that hosts the module too may answer instead: both copies work on the same
    /// database, so it is as asking again.
    pub fn may_be_answered_here(&self, repeat: Repeat) -> bool {
        self.nothing_was_sent() || self.may_repeat(repeat)
    }

    /// Whether it counts against the peer. What does not, says nothing of it.
    pub(crate) fn of_the_peer(&self) -> bool {
        !matches!(
            self,
            Self::CircuitOpen
                | Self::TooManyInFlight
                | Self::Closed(_)
                | Self::ClientGone
                | Self::ClientSlow
        )
    }

    /// Whether asking again may help, and may be done.
    pub(crate) fn may_repeat(&self, repeat: Repeat) -> bool {
        match self {
            Self::CircuitOpen | Self::TooManyInFlight => false,
            Self::ClientGone | Self::ClientSlow => false,
            _ => repeat != Repeat::Once,
        }
    }
}

impl From<&Fault> for Failure {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::TimedOut => Self::Timeout,
            _ => Self::Unavailable,
        }
    }
}
