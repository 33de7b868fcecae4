//! A collector of traces that reads what it is sent by OpenTelemetry's own types.

use std::collections::{HashMap, HashSet};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue as Wrapped, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;

use super::SPAN;
use crate::support::{Notice, Receiver, eventually};

/// A span, and who told of it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub resource: HashMap<String, String>,
    pub attributes: HashMap<String, String>,
    pub span: Span,
}

pub struct Collector(Receiver);

impl Collector {
    pub async fn open() -> Self {
        Self(Receiver::open().await)
    }

    pub fn endpoint(&self) -> String {
        self.0.url("")
    }

    pub fn all(&self) -> Vec<Seen> {
        self.0.notices().iter().flat_map(read).collect()
    }

    /// A trace, once it has come to all of these ends.
    pub async fn whole(&self, id: &str, ends: &[&str]) -> Vec<Seen> {
        eventually("the trace is whole", async || {
            is_whole(&self.trace(id), ends)
        })
        .await;
        self.trace(id)
    }

    pub fn trace(&self, id: &str) -> Vec<Seen> {
        let mut spans = self.all();
        spans.retain(|seen| seen.trace() == id);
        spans
    }
}

/// These are there, and so is everything before them but the span that the test itself stands for.
fn is_whole(spans: &[Seen], ends: &[&str]) -> bool {
    let ids: HashSet<&[u8]> = spans.iter().map(|seen| &*seen.span.span_id).collect();
    let is_known = |seen: &Seen| seen.parent() == SPAN || ids.contains(&*seen.span.parent_span_id);
    let lines: HashSet<String> = spans.iter().map(Seen::line).collect();
    ends.iter().all(|line| lines.contains(*line)) && spans.iter().all(is_known)
}

fn read(notice: &Notice) -> Vec<Seen> {
    assert_eq!(notice.path, "/v1/traces");
    assert_eq!(notice.header("content-type"), "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(&*notice.body).unwrap();
    let of_processes = request.resource_spans.into_iter();
    let spans = of_processes.flat_map(|process| {
        let resource = texts(process.resource.unwrap().attributes);
        let spans = process
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans);
        spans.map(move |mut span| Seen {
            resource: resource.clone(),
            attributes: texts(std::mem::take(&mut span.attributes)),
            span,
        })
    });
    spans.collect()
}

fn texts(attributes: Vec<KeyValue>) -> HashMap<String, String> {
    let text = |value: Option<Wrapped>| match value.unwrap().value.unwrap() {
        AnyValue::StringValue(text) => text,
        AnyValue::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    let pairs = attributes
        .into_iter()
        .map(|pair| (pair.key, text(pair.value)));
    pairs.collect()
}

impl Seen {
    pub fn trace(&self) -> String {
        hex(&self.span.trace_id)
    }

    pub fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    /// Which modules its process hosts, what kind of work it is, and its name.
    pub fn line(&self) -> String {
        let kind = match self.span.kind() {
            SpanKind::Unspecified => "unspecified",
            SpanKind::Internal => "internal",
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
        };
        format!(
            "{} {kind} {}",
            self.resource["cleave.modules"], self.span.name
        )
    }

    pub fn has_failed(&self) -> bool {
        let status = self.span.status.as_ref();
        status.is_some_and(|status| status.code() == StatusCode::Error)
    }
}

/// The lines from the first span of a trace to this one.
pub fn way_to(spans: &[Seen], last: &str) -> Vec<String> {
    let mut way = Vec::new();
    let mut next = spans.iter().find(|seen| seen.line() == last);
    while let Some(seen) = next {
        way.insert(0, seen.line());
        assert!(way.len() <= spans.len(), "in circles: {way:?}");
        next = spans
            .iter()
            .find(|other| hex(&other.span.span_id) == seen.parent());
    }
    way
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
