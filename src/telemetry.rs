//! Logs: for people in a terminal, JSON otherwise; on standard error.

use std::io::IsTerminal;

use actix_web::Error;
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use platform::{RequestContext, trace};
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::RootSpanBuilder;
use tracing_subscriber::EnvFilter;

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
        subscriber.with_target(false).with_ansi(ansi).try_init()
    } else {
        subscriber.json().flatten_event(true).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("could not start logging: {error}"))
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
            trace_id = context.map(|context| trace::trace_id(&context.traceparent)),
            status = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let (status, routine) = match outcome {
            Ok(response) => {
                let request = response.request();
                if let Some(route) = request.match_pattern() {
                    span.record("route", route);
                }
                (response.status(), is_routine(request.path()))
            }
            Err(error) => (error.as_response_error().status_code(), false),
        };
        span.record("status", status.as_u16());
        let _entered = span.entered();
        if status.is_server_error() {
            tracing::warn!("answered");
        } else if routine && status.is_success() {
            tracing::debug!("answered");
        } else {
            tracing::info!("answered");
        }
    }
}

/// Asked by machines, many times for each thing that a person does.
fn is_routine(path: &str) -> bool {
    path.starts_with("/internal/") || path == "/metrics"
}
