//! What a request carries from the edge to the last statement: its id, its deadline and where it comes
//! from.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use trace::Context;
use uuid::Uuid;

use crate::Problem;

/// The id and deadline of the request at hand, set by [`crate::edge`].
#[derive(Clone, Debug)]
pub struct RequestContext {
    pub request_id: String,
    pub deadline: Instant,
    /// Where the request comes from; what limits count.
    pub client: IpAddr,
    /// The span of this request; what it causes goes on from there.
    pub trace: Context,
    /// The connection is that of a proxy of ours, whose `X-Forwarded-*` are believed.
    pub by_proxy: bool,
    /// Another process of the shop has let the request in and sent it on.
    pub vouched: bool,
}

impl RequestContext {
    /// Takes the caller's id when it is sane: 1 to 128 visible ASCII characters.
    pub(crate) fn new(
        offered: Option<&str>,
        trace: Context,
        budget: Duration,
        client: IpAddr,
    ) -> Self {
        let sane =
            |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        Self {
            request_id: match offered.filter(sane) {
                Some(id) => id.to_owned(),
                None => Uuid::now_v7().to_string(),
            },
            deadline: Instant::now() + budget,
            client,
            trace,
            by_proxy: false,
            vouched: false,
        }
    }
}

impl FromRequest for RequestContext {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = req.extensions().get::<Self>().cloned();
        ready(context.ok_or_else(Problem::internal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_sane_id_and_replaces_any_other() {
        let id = |offered| {
            let client = [127, 0, 0, 1].into();
            RequestContext::new(offered, Context::root(), Duration::ZERO, client).request_id
        };
        assert_eq!(id(Some("abc-123")), "abc-123");
        for insane in [
            None,
            Some(""),
            Some("a b"),
            Some("é"),
            Some(&*"x".repeat(129)),
        ] {
            assert!(Uuid::parse_str(&id(insane)).is_ok(), "{insane:?}");
        }
    }
}
