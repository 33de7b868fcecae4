//! The JSON body of a request, read, parsed and validated in one place.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::StreamExt;
use garde::Validate;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use crate::auth::let_in;
use crate::problem::FieldError;
use crate::{Problem, RequestContext};

/// A JSON body: 415 for another media type, 413 past [`BodyLimit`], 400 when it is no JSON, 422
/// naming the field when it is JSON of another shape or breaks a rule of `T`.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// The largest body in bytes; app data. Zero means no limit.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);

impl<T> FromRequest for Body<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = receive(req, payload);
        Box::pin(async move { parse(&bytes.await?).map(Self) })
    }
}

/// The bytes of a JSON body, once its sender is let in.
pub(crate) fn receive(
    req: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<web::BytesMut, Problem>> + use<> {
    let req = req.clone();
    let payload = web::Payload::from_request(&req, payload);
    let let_in = let_in(&req);
    async move {
        let_in.await?;
        expect_media_type(&req, media_types(req.method()))?;
        let payload = payload.await.map_err(|_| unreadable())?;
        let mut bytes = read(&req, payload).await?;
        // Of a patch every field is optional, and so is the whole.
        if bytes.trim_ascii().is_empty() && req.method() == Method::PATCH {
            bytes = web::BytesMut::from("{}");
        }
        Ok(bytes)
    }
}

/// A merge patch is JSON as well.
fn media_types(method: &Method) -> &'static [&'static str] {
    match *method {
        Method::PATCH => &["application/json", "application/merge-patch+json"],
        _ => &["application/json"],
    }
}

/// Answers 415 unless the request names one of these media types.
pub fn expect_media_type(req: &HttpRequest, allowed: &[&str]) -> Result<(), Problem> {
    let encoded = req
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity");
    if !encoded && allowed.contains(&req.content_type().to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    // An absent body has no type either; it is reported as an empty body.
    if !encoded && !req.headers().contains_key(header::CONTENT_TYPE) && !has_body(req) {
        return Ok(());
    }
    let problem = Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        format!("Send {}.", allowed.join(" or ")),
    );
    Err(problem.with_header(header::ACCEPT, allowed.join(", ")))
}

fn has_body(req: &HttpRequest) -> bool {
    let length = req.headers().get(header::CONTENT_LENGTH);
    req.headers().contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|l| l != "0")
}

/// The whole body, up to [`BodyLimit`]: 408 when the client has not sent it by the request's deadline.
pub async fn read(req: &HttpRequest, payload: web::Payload) -> Result<web::BytesMut, Problem> {
    let context = req.extensions().get::<RequestContext>().cloned();
    let deadline = context.map(|context| context.deadline);
    // Whoever had no time from the beginning was not slow.
    let Some(deadline) = deadline.filter(|deadline| *deadline > Instant::now()) else {
        return read_all(req, payload).await;
    };
    let reading = tokio::time::timeout_at(deadline.into(), read_all(req, payload));
    let in_time = reading.await;
    in_time.unwrap_or_else(|_| Err(Problem::request_timeout()))
}

async fn read_all(req: &HttpRequest, mut payload: web::Payload) -> Result<web::BytesMut, Problem> {
    let limit = match req.app_data::<BodyLimit>() {
        Some(BodyLimit(0)) | None => usize::MAX,
        Some(BodyLimit(limit)) => *limit,
    };
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| unreadable())?;
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A body of which every field is optional, so that it may be absent.
pub async fn optional<T>(req: &HttpRequest, payload: web::Payload) -> Result<T, Problem>
where
    T: Default + DeserializeOwned + Validate<Context = ()>,
{
    expect_media_type(req, &["application/json"])?;
    let bytes = read(req, payload).await?;
    if bytes.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    parse(&bytes)
}

/// Parses and validates; see [`Body`].
pub fn parse<T>(bytes: &[u8]) -> Result<T, Problem>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::bad_request(
            "empty_body",
            "The request needs a JSON body.",
        ));
    }
    refuse_nul(bytes)?;
    // serde would take an array for a struct, its fields in order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        let _: Value = serde_json::from_slice(bytes).map_err(malformed)?;
        return Err(Problem::invalid_field("body", "must be a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // What is no JSON further on has no shape to speak of.
        if let Err(error) = serde_json::from_slice::<Value>(bytes) {
            return malformed(error);
        }
        let field = error.path().to_string();
        shape_problem(field, error.into_inner())
    })?;
    json.end().map_err(malformed)?;
    validate(value)
}

/// As [`parse`], of JSON that is made here.
pub(crate) fn from_value<T>(value: Value) -> Result<T, Problem>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    let value: T = serde_path_to_error::deserialize(value)
        .map_err(|error| shape_problem(error.path().to_string(), error.into_inner()))?;
    validate(value)
}

/// Holds `value` against its own rules.
pub fn validate<T: Validate<Context = ()>>(value: T) -> Result<T, Problem> {
    match value.validate() {
        Ok(()) => Ok(value),
        Err(report) => Err(Problem::invalid(
            report
                .iter()
                .map(|(path, error)| FieldError::new(path.to_string(), error.message()))
                .collect(),
        )),
    }
}

fn shape_problem(path: String, error: serde_json::Error) -> Problem {
    // Of a value that cannot be a variant it says that the JSON is wrong.
    let message = match error.classify() {
        Category::Data => error.to_string(),
        _ => "is not of the kind that belongs here".to_owned(),
    };
    // serde ends its messages with " at line 1 column 2", which says nothing to a caller.
    let message = match message.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => message,
    };
    Problem::invalid_field(offending_field(path, &message), message)
}

/// serde reports an absent or unknown field at its parent, and names it in backquotes.
fn offending_field(path: String, message: &str) -> String {
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    match (named, path.as_str()) {
        (None, ".") => "body".to_owned(),
        (None, _) => path,
        (Some(field), "." | "?") => field.to_owned(),
        (Some(field), _) if path.ends_with(field) => path,
        (Some(field), _) => format!("{path}.{field}"),
    }
}

/// Postgres cannot store U+0000 in a text; JSON can carry it only as an escape.
fn refuse_nul(bytes: &[u8]) -> Result<(), Problem> {
    if !bytes.windows(6).any(|w| w == b"\\u0000") {
        return Ok(());
    }
    let value: Value = serde_json::from_slice(bytes).map_err(malformed)?;
    match nul_field(&value) {
        Some(field) => Err(Problem::invalid_field(
            field,
            "must not contain the character U+0000",
        )),
        None => Ok(()),
    }
}

/// The path is put together on the way back: each name is copied for the one that is found only.
fn nul_field(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            let mut found = items.iter().map(nul_field).enumerate();
            found.find_map(|(i, rest)| Some(below(format!("[{i}]"), &rest?)))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let rest = match name.contains('\0') {
                true => String::new(),
                false => nul_field(member)?,
            };
            Some(below(name.replace('\0', ""), &rest))
        }),
        _ => None,
    }
}

fn below(mut path: String, rest: &str) -> String {
    if !rest.is_empty() && !rest.starts_with('[') {
        path.push('.');
    }
    path + rest
}

pub(crate) fn malformed(error: serde_json::Error) -> Problem {
    Problem::bad_request(
        "malformed_json",
        format!("The body is not valid JSON: {error}."),
    )
}

fn unreadable() -> Problem {
    Problem::bad_request("unreadable_body", "The body could not be read to its end.")
}

pub(crate) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is larger than this server accepts.",
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Basket {
        #[garde(dive)]
        lines: Vec<Line>,
        #[garde(skip)]
        #[allow(dead_code)]
        note: Option<String>,
        #[garde(skip)]
        #[allow(dead_code)]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {}

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[garde(range(min = 1))]
        quantity: i64,
    }

    fn refusal(body: &str) -> (u16, String) {
        let problem = parse::<Basket>(body.as_bytes()).unwrap_err();
        let body = problem.response(None, None).into_body();
        let bytes = actix_web::body::MessageBody::try_into_bytes(body).unwrap();
        let json: Value = serde_json::from_slice(&bytes).unwrap();
        let field = json["errors"][0]["field"].as_str().unwrap_or_default();
        (problem.status().as_u16(), field.to_owned())
    }

    #[test]
    fn tells_no_json_from_json_of_another_shape() {
        assert_eq!(refusal(""), (400, String::new()));
        assert_eq!(refusal("{"), (400, String::new()));
        assert_eq!(refusal(r#"{"lines":[]} x"#), (400, String::new()));
        assert_eq!(refusal("[[]]"), (422, "body".to_owned()));
        assert_eq!(refusal("[").0, 400);
        assert_eq!(refusal("{} {}").0, 400);
        assert_eq!(refusal(r#"{"lines":1, x"#).0, 400);
    }

    #[test]
    fn names_the_offending_field() {
        let cases = [
            (r#"{}"#, "lines"),
            (r#"{"lines":[{"quantity":0}]}"#, "lines[0].quantity"),
            (r#"{"lines":[{"quantity":"1"}]}"#, "lines[0].quantity"),
            (r#"{"lines":[{}]}"#, "lines[0].quantity"),
            (r#"{"lines":[],"extra":1}"#, "extra"),
            (r#"{"lines":[],"kind":7}"#, "kind"),
            (r#"{"lines":[],"kind":"none"}"#, "kind"),
            (r#"{"lines":[{"quantity":1,"extra":1}]}"#, "lines[0].extra"),
            (r#"{"lines":[],"note":"a\u0000"}"#, "note"),
            (r#"{"lines":[{"a":1},{"b":["\u0000"]}]}"#, "lines[1].b[0]"),
            (r#"{"lines":[{"a\u0000":1}]}"#, "lines[0].a"),
        ];
        for (body, field) in cases {
            assert_eq!(refusal(body), (422, field.to_owned()), "{body}");
        }
    }
}
