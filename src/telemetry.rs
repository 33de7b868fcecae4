//! Logs: for people in a terminal, JSON otherwise; on standard error.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::Error;
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use platform::RequestContext;
use tracing::field::Empty;
use tracing::subscriber::Interest;
use tracing::{Metadata, Span, Subscriber};
use tracing_actix_web::RootSpanBuilder;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::settings::{LogFormat, Telemetry};

/// Libraries that talk at `info` about every start; the setting may name them and wins.
const QUIET: &str = "actix_server=warn,sqlx=warn";

/// Call it once, before anything is logged.
pub fn start(settings: &Telemetry) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.log))?;
    let people = match settings.log_format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = if people {
        let ansi = std::io::stderr().is_terminal();
        let subscriber = subscriber.with_target(false).with_ansi(ansi);
        subscriber.finish().with(expected()).try_init()
    } else {
        let subscriber = subscriber.json().flatten_event(true);
        subscriber.finish().with(expected()).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("could not start logging: {error}"))
}

/// The threads of actix-server that accept connections, and cannot be told of an orderly end: they
/// tell of the errors that they meet then.
const ACCEPT: &str = "actix_server::accept";
static ACCEPT_ERRORS_EXPECTED: AtomicBool = AtomicBool::new(false);

/// From now on what fails on a listening socket is not told: it is shut down, as it should be.
pub fn expect_accept_errors() {
    ACCEPT_ERRORS_EXPECTED.store(true, Ordering::Relaxed);
}

/// Keeps back the errors that are expected.
fn expected<S: Subscriber>() -> impl Layer<S> {
    let told = |metadata: &Metadata<'_>| {
        metadata.target() != ACCEPT || !ACCEPT_ERRORS_EXPECTED.load(Ordering::Relaxed)
    };
    dynamic_filter_fn(move |metadata, _| told(metadata)).with_callsite_filter(|metadata| {
        match metadata.target() {
            ACCEPT => Interest::sometimes(),
            _ => Interest::always(),
        }
    })
}

/// One span for each request, named by its route, with the id that the client sees.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let extensions = request.extensions();
        let context = extensions.get::<RequestContext>();
        tracing::info_span!(
            "request",
            method = %request.method(),
            path = request.path(),
            route = Empty,
            request_id = context.map(|context| &*context.request_id),
            trace_id = context.map(|context| display(context.trace.trace_id())),
            status = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let (status, path) = match outcome {
            Ok(response) => {
                let request = response.request();
                if let Some(route) = request.match_pattern() {
                    span.record("route", route);
                }
                (response.status(), request.path())
            }
            Err(error) => (error.as_response_error().status_code(), ""),
        };
        span.record("status", status.as_u16());
        let _entered = span.entered();
        if is_failure(status, path) {
            tracing::warn!("answered");
        } else if is_routine(path) && status.is_success() {
            tracing::debug!("answered");
        } else {
            tracing::info!("answered");
        }
    }
}

/// To ask whether it is ready is no failure when it is not, as at an orderly end.
fn is_failure(status: StatusCode, path: &str) -> bool {
    let tells_health = path == "/health" || path.starts_with("/health/");
    status.is_server_error() && !(tells_health && status == StatusCode::SERVICE_UNAVAILABLE)
}

/// Asked by machines, many times for each thing that a person does.
fn is_routine(path: &str) -> bool {
    path.starts_with("/internal/") || path == "/metrics"
}
