//! How many requests an address may make.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use actix_web::HttpMessage;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use platform::client::network;
use platform::{Problem, RequestContext};

/// Requests per second and address, or /64 network of IPv6; health checks are not counted.
pub struct RequestLimit(Option<DefaultKeyedRateLimiter<IpAddr>>);

/// Addresses that made no request for a while are forgotten when there are more than these.
const REMEMBERED: usize = 50_000;

impl RequestLimit {
    pub fn new(per_second: Option<NonZeroU32>) -> Arc<Self> {
        let limiter = |limit| RateLimiter::keyed(Quota::per_second(limit));
        Arc::new(Self(per_second.map(limiter)))
    }

    fn check(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let Some(limiter) = &self.0 else {
            return Ok(());
        };
        if request.path().starts_with("/health") {
            return Ok(());
        }
        let Some(client) = request
            .extensions()
            .get::<RequestContext>()
            .map(|cx| network(cx.client))
        else {
            return Ok(());
        };
        if limiter.len() > REMEMBERED {
            limiter.retain_recent();
        }
        limiter.check_key(&client).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let seconds = wait.as_secs() + 1;
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "This address makes too many requests.",
            )
            .with_header(header::RETRY_AFTER, seconds.to_string())
        })
    }
}

/// For `actix_web::middleware::from_fn`.
pub async fn limit_requests<B: MessageBody>(
    limit: Arc<RequestLimit>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    match limit.check(&request) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        // An answer, so that the layers outside see one.
        Err(problem) => Ok(request.error_response(problem).map_into_right_body()),
    }
}
