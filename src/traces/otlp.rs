//! The messages of OTLP 1 that are spoken here, and nothing of the others: `trace/v1/trace.proto` and
//! those that it needs, from github.com/open-telemetry/opentelemetry-proto. Fields that are left out
//! have their defaults.

use std::time::{Duration, SystemTime};

use prost::{Enumeration, Message, Oneof};
use trace::Ended;

#[derive(Clone, PartialEq, Message)]
pub struct ExportRequest {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(enumeration = "Kind", tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    /// The flags of its `traceparent`.
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
enum Kind {
    Unspecified = 0,
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(enumeration = "Code", tag = "3")]
    code: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
enum Code {
    Unset = 0,
    Ok = 1,
    Error = 2,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 3")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Integer(i64),
}

#[derive(Clone, PartialEq, Message)]
pub struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub rejected_spans: i64,
}

impl ExportRequest {
    pub fn of(resource: &Resource, spans: impl Iterator<Item = Ended>) -> Self {
        let scope = Scope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Self {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope),
                    spans: spans.map(Span::from).collect(),
                }],
            }],
        }
    }
}

impl Resource {
    pub fn of(attributes: &[(&str, &str)]) -> Self {
        let attributes = attributes.iter().map(|(key, text)| KeyValue {
            key: (*key).to_owned(),
            value: Some(AnyValue {
                value: Some(Value::Text((*text).to_owned())),
            }),
        });
        Self {
            attributes: attributes.collect(),
        }
    }
}

impl From<Ended> for Span {
    fn from(span: Ended) -> Self {
        let id = |id: Option<u64>| id.map(|id| id.to_be_bytes().to_vec()).unwrap_or_default();
        let kind = match span.kind {
            trace::Kind::Internal => Kind::Internal,
            trace::Kind::Server => Kind::Server,
            trace::Kind::Client => Kind::Client,
            trace::Kind::Producer => Kind::Producer,
            trace::Kind::Consumer => Kind::Consumer,
        };
        let start = span.start.duration_since(SystemTime::UNIX_EPOCH);
        let start = start.unwrap_or_default();
        Self {
            trace_id: span.context.trace_id().to_bytes().to_vec(),
            span_id: id(span.context.span_id()),
            parent_span_id: id(span.parent),
            name: span.name,
            kind: kind.into(),
            start_time_unix_nano: nanos(start),
            end_time_unix_nano: nanos(start + span.took),
            attributes: span.attributes.into_iter().map(KeyValue::from).collect(),
            status: span.failure.map(|message| Status {
                message,
                code: Code::Error.into(),
            }),
            flags: u32::from(span.context.is_sampled()),
        }
    }
}

fn nanos(since_the_epoch: Duration) -> u64 {
    u64::try_from(since_the_epoch.as_nanos()).unwrap_or(u64::MAX)
}

impl From<(&'static str, trace::Value)> for KeyValue {
    fn from((key, value): (&'static str, trace::Value)) -> Self {
        let value = match value {
            trace::Value::Text(text) => Value::Text(text.into_owned()),
            trace::Value::Integer(number) => Value::Integer(number),
        };
        Self {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
        }
    }
}
