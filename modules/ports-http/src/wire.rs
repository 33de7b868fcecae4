//! How a call looks on the wire.
//!
//! `POST /internal/{module}/v{version}/{call}` with the request as JSON. The answer is an
//! [`Envelope`]; whatever is none was not said by a module.

use std::time::Duration;

use actix_web::http::StatusCode;
use ports::{Failure, PortError, PortResult};
use serde::{Deserialize, Deserializer, Serialize};

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
#[serde(try_from = "Members<T, R>")]
#[serde(bound(deserialize = "T: Deserialize<'de>, R: Deserialize<'de>"))]
pub enum Envelope<T, R> {
    Reply(T),
    Rejected(R),
    Failed(Failure),
}

/// An envelope as it is read: serde's enums take no member besides the variant's.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>, R: Deserialize<'de>")]
struct Members<T, R> {
    #[serde(default, deserialize_with = "present")]
    reply: Option<T>,
    #[serde(default, deserialize_with = "present")]
    rejected: Option<R>,
    #[serde(default, deserialize_with = "present")]
    failed: Option<Failure>,
}

/// Whatever the member is; the reply of some calls is `null`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl<T, R> TryFrom<Members<T, R>> for Envelope<T, R> {
    type Error = &'static str;

    fn try_from(members: Members<T, R>) -> Result<Self, Self::Error> {
        match (members.reply, members.rejected, members.failed) {
            (Some(reply), None, None) => Ok(Self::Reply(reply)),
            (None, Some(rejection), None) => Ok(Self::Rejected(rejection)),
            (None, None, Some(failure)) => Ok(Self::Failed(failure)),
            _ => Err("not one of `reply`, `rejected` and `failed`"),
        }
    }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    type Text = Envelope<(), String>;

    #[test]
    fn the_wire_form_of_each_answer_is_fixed() {
        let forms: [(Text, &str); 5] = [
            (Envelope::Reply(()), r#"{"reply":null}"#),
            (Envelope::Rejected("no".to_owned()), r#"{"rejected":"no"}"#),
            (
                Envelope::Failed(Failure::Timeout),
                r#"{"failed":"timeout"}"#,
            ),
            (
                Envelope::Failed(Failure::Unavailable),
                r#"{"failed":"unavailable"}"#,
            ),
            (
                Envelope::Failed(Failure::Internal),
                r#"{"failed":"internal"}"#,
            ),
        ];
        for (envelope, form) in forms {
            assert_eq!(serde_json::to_string(&envelope).unwrap(), form);
            assert_eq!(serde_json::from_str::<Text>(form).unwrap(), envelope);
            let newer = form.replacen('{', r#"{"of_a_newer_peer":{"deep":[1]},"#, 1);
            assert_eq!(serde_json::from_str::<Text>(&newer).unwrap(), envelope);
        }
    }

    #[test]
    fn an_answer_is_one_thing() {
        for form in [
            "{}",
            "null",
            r#"{"reply":null,"rejected":"no"}"#,
            r#"{"rejected":null}"#,
        ] {
            assert!(serde_json::from_str::<Text>(form).is_err(), "{form}");
        }
    }
}
