use std::fmt::Debug;
use std::sync::Arc;

use actix_web::web::ServiceConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What may be sent over the wire and looked at on the way.
pub trait Wire:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

impl<T> Wire for T where
    T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// One call of a port; see [`crate::calls`].
pub trait Call: 'static {
    /// The module that answers.
    const MODULE: &'static str;
    /// The port's major version, part of the path: peers of different ones do not talk.
    const VERSION: u32;
    const NAME: &'static str;
    const REPEAT: Repeat;
    type Request: Wire;
    type Reply: Wire;
    type Rejection: Wire;

    /// Where it is served: `/internal/products/v1/reserve`.
    fn path() -> String {
        format!(
            "/internal/{}/v{}/{}",
            Self::MODULE,
            Self::VERSION,
            Self::NAME
        )
    }
}

/// Whether a call may be made more than once, in the words of RFC 9110, 9.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Reads. May be repeated, and shadowed.
    Safe,
    /// Writes whose second time changes nothing. May be repeated with the same request.
    Idempotent,
    /// Never repeated.
    Once,
}

/// A port that can be reached over HTTP.
pub trait Port: Send + Sync + 'static {
    const MODULE: &'static str;
    const VERSION: u32;

    /// The server's end: mount it where callers have shown their service token.
    fn routes(self: Arc<Self>, cfg: &mut ServiceConfig);
}
