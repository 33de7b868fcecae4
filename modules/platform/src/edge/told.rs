//! The span of a request.

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use trace::{Context, Kind, Span};

use super::{TRACEPARENT, Told, text};

/// A request that is told of until the head of its answer is there. One whose client goes away has no
/// status.
pub(super) struct Request(Span);

impl Request {
    /// Goes on with the trace that it came with, or begins one. Answers its place in it, too.
    pub(super) fn begin(req: &ServiceRequest, told: Told) -> (Self, Context) {
        let offered = text(req.headers(), TRACEPARENT).and_then(Context::parse);
        let before = offered.unwrap_or_else(Context::root);
        let mut span = match told {
            Told::Not => Span::silent(before),
            _ => Span::begin(Kind::Server, Some(before), format_args!("{}", req.method())),
        };
        span.set("http.request.method", format_args!("{}", req.method()));
        span.set("url.path", format_args!("{}", req.path()));
        if let Told::Of(module) = told {
            span.set("cleave.module", module);
        }
        let trace = span.context().unwrap_or(before);
        (Self(span), trace)
    }

    pub(super) fn is_known_as(&mut self, request_id: &str) {
        self.0
            .set("cleave.request_id", format_args!("{request_id}"));
    }

    /// What was answered before it came to a route, or elsewhere, has none.
    pub(super) fn end(mut self, status: StatusCode, request: Option<&HttpRequest>) {
        let request = request.filter(|_| self.0.is_told());
        if let Some(route) = request.and_then(HttpRequest::match_pattern) {
            self.0.extend_name(format_args!(" {route}"));
            self.0.set("http.route", format_args!("{route}"));
        }
        self.0.set("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            self.0.fail(status);
        }
    }
}
