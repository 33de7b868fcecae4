//! How a call looks on the wire.
//!
//! `POST /internal/{module}/v{version}/{call}` with the request as JSON. The answer is an
//! [`Envelope`]; whatever is none was not said by a module.

use std::time::Duration;

use actix_web::http::StatusCode;
use ports::{Failure, PortError, PortResult};
use serde::{Deserialize, Serialize};

/// The budget that is left, in milliseconds. Relative, so that clocks need not agree.
pub const X_DEADLINE: &str = "x-cleave-deadline-ms";
/// The user on whose behalf the call is made.
pub const X_CALLER: &str = "x-cleave-caller";
/// `Bearer` and a service token, on forwarded requests, whose `authorization` is the client's.
pub const X_SERVICE: &str = "x-cleave-service";
pub const X_REQUEST_ID: &str = "x-request-id";
/// W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";

/// A caller who names no deadline gets this much.
pub const DEADLINE_DEFAULT: Duration = Duration::from_secs(2);
/// And nobody gets more than that.
pub const DEADLINE_MOST: Duration = Duration::from_secs(3600);

/// The answer of a module. A peer may know more members than we do; they are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope<T, R> {
    Reply(T),
    Rejected(R),
    Failed(Failure),
}

impl<T, R> Envelope<T, R> {
    /// For logs and proxies in between; the caller reads the envelope.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Reply(_) => StatusCode::OK,
            Self::Rejected(_) => StatusCode::CONFLICT,
            Self::Failed(Failure::Timeout) => StatusCode::GATEWAY_TIMEOUT,
            Self::Failed(Failure::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(Failure::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl<T, R> From<PortResult<T, R>> for Envelope<T, R> {
    fn from(result: PortResult<T, R>) -> Self {
        match result {
            Ok(reply) => Self::Reply(reply),
            Err(PortError::Rejected(rejection)) => Self::Rejected(rejection),
            Err(PortError::Failed(failure)) => Self::Failed(failure),
        }
    }
}

impl<T, R> From<Envelope<T, R>> for PortResult<T, R> {
    fn from(envelope: Envelope<T, R>) -> Self {
        match envelope {
            Envelope::Reply(reply) => Ok(reply),
            Envelope::Rejected(rejection) => Err(PortError::Rejected(rejection)),
            Envelope::Failed(failure) => Err(PortError::Failed(failure)),
        }
    }
}
