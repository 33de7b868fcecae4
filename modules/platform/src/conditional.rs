//! Entity tags and conditional requests (RFC 9110, 8.8.3 and 13.1).

use std::fmt::Write;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::Problem;

/// A resource as JSON, with the strong tag that goes with these bytes and no others.
#[derive(Debug)]
pub struct Representation {
    json: Vec<u8>,
    tag: EntityTag,
}

/// The part of a tag between its quotes: a digest in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(String);

impl Representation {
    pub fn of(resource: &impl Serialize) -> Result<Self, Problem> {
        let json = serde_json::to_vec(resource).map_err(|error| {
            tracing::error!(%error, "an answer has no JSON form");
            Problem::internal()
        })?;
        let mut tag = String::with_capacity(32);
        for byte in &Sha256::digest(&json)[..16] {
            // A String takes whatever is written.
            let _ = write!(tag, "{byte:02x}");
        }
        let tag = EntityTag(tag);
        Ok(Self { json, tag })
    }

    pub fn tag(&self) -> &EntityTag {
        &self.tag
    }

    /// To a read: 304 when the client has it already.
    pub fn unless_known(self, known: &IfNoneMatch) -> HttpResponse {
        let Some(as_known) = known.find(&self.tag) else {
            return self.ok();
        };
        HttpResponse::NotModified()
            .insert_header((header::ETAG, as_known))
            .insert_header(REVALIDATE)
            .finish()
    }

    pub fn ok(self) -> HttpResponse {
        self.answer(HttpResponse::Ok())
    }

    pub fn created_at(self, location: String) -> HttpResponse {
        let mut response = HttpResponse::Created();
        response.insert_header((header::LOCATION, location));
        self.answer(response)
    }

    fn answer(self, mut response: actix_web::HttpResponseBuilder) -> HttpResponse {
        response
            .insert_header((header::ETAG, format!("\"{}\"", self.tag.0)))
            .insert_header(REVALIDATE)
            .content_type("application/json")
            .body(self.json)
    }
}

/// May be kept, but not shown before the tag was asked for.
const REVALIDATE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");

/// `If-Match` of a write. A malformed one names nothing, so that nothing is written.
#[derive(Debug)]
pub struct IfMatch(Option<Condition>);

/// `If-None-Match` of a read. A malformed one is as none: the answer is then whole.
#[derive(Debug)]
pub struct IfNoneMatch(Option<Condition>);

#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Any,
    OneOf(Vec<Named>),
}

/// A tag as a request names it.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    weak: bool,
    opaque: String,
}

impl IfMatch {
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// 412 unless what is to be changed is what the request names.
    pub fn check(&self, current: &EntityTag) -> Result<(), Problem> {
        let stands = match &self.0 {
            None | Some(Condition::Any) => true,
            // A weak tag never does: this comparison is the strong one.
            Some(Condition::OneOf(tags)) => tags.iter().any(|tag| !tag.weak && tag.names(current)),
        };
        match stands {
            true => Ok(()),
            false => Err(Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                "It has changed since; read it again.",
            )),
        }
    }
}

impl IfNoneMatch {
    /// The tag as the client has it.
    fn find(&self, current: &EntityTag) -> Option<String> {
        match self.0.as_ref()? {
            Condition::Any => Some(format!("\"{}\"", current.0)),
            Condition::OneOf(tags) => {
                let known = tags.iter().find(|tag| tag.names(current))?;
                Some(format!("\"{}\"", known.opaque))
            }
        }
    }
}

impl Named {
    /// Also when the tag is that of a coding; see [`tag_coding`].
    fn names(&self, tag: &EntityTag) -> bool {
        let opaque = self.opaque.split_once('-');
        opaque.map_or(self.opaque.as_str(), |(opaque, _)| opaque) == tag.0
    }
}

impl Condition {
    /// Of all fields of that name. `None` when one is malformed.
    fn parse<'a>(fields: impl Iterator<Item = &'a HeaderValue>) -> Option<Self> {
        let fields: Option<Vec<&str>> = fields.map(|field| field.to_str().ok()).collect();
        let fields = fields?.join(",");
        let blank = |c| matches!(c, ' ' | '\t');
        if fields.trim_matches(blank) == "*" {
            return Some(Self::Any);
        }
        let between = |c| matches!(c, ' ' | '\t' | ',');
        let mut rest = fields.trim_start_matches(between);
        let mut tags = Vec::new();
        while !rest.is_empty() {
            let (weak, quoted) = match rest.strip_prefix("W/") {
                Some(quoted) => (true, quoted),
                None => (false, rest),
            };
            let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
            let after = after.trim_start_matches(blank);
            let ends = after.is_empty() || after.starts_with(',');
            if !ends || !opaque.bytes().all(|byte| byte.is_ascii_graphic()) {
                return None;
            }
            tags.push(Named {
                weak,
                opaque: opaque.to_owned(),
            });
            rest = after.trim_start_matches(between);
        }
        (!tags.is_empty()).then_some(Self::OneOf(tags))
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let fields = req.headers().get_all(header::IF_MATCH);
        let given = req.headers().contains_key(header::IF_MATCH);
        let condition = || Condition::parse(fields).unwrap_or(Condition::OneOf(Vec::new()));
        ready(Ok(Self(given.then(condition))))
    }
}

impl FromRequest for IfNoneMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let fields = req.headers().get_all(header::IF_NONE_MATCH);
        ready(Ok(Self(Condition::parse(fields))))
    }
}

/// Each coding of a representation is a representation with a tag of its own (RFC 9110, 8.8.3.3):
/// what is compressed after it was tagged gets the name of the coding into its tag.
pub fn tag_coding(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else {
        return;
    };
    let coding = headers.get(header::CONTENT_ENCODING);
    let tagged = coding
        .and_then(|coding| coding.to_str().ok())
        .zip(tag.strip_suffix('"'));
    match tagged.map(|(coding, open)| HeaderValue::from_str(&format!("{open}-{coding}\""))) {
        Some(Ok(tag)) => drop(headers.insert(header::ETAG, tag)),
        // Compression says so itself; otherwise it might have been compressed.
        _ => headers.append(header::VARY, HeaderValue::from_static("accept-encoding")),
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![documented(
            "If-Match",
            "Refused with 412 unless one of these tags is the resource's; see `ETag` of a read",
        )]
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![documented(
            "If-None-Match",
            "Tags that the client has: answered with 304 when one of them is still right",
        )]
    }
}

fn documented(name: &str, description: &str) -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(text.build()))
        .build()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn condition(fields: &[&str]) -> Option<Condition> {
        let fields: Vec<_> = fields
            .iter()
            .map(|field| HeaderValue::from_str(field).unwrap())
            .collect();
        Condition::parse(fields.iter())
    }

    fn named(weak: bool, opaque: &str) -> Named {
        Named {
            weak,
            opaque: opaque.to_owned(),
        }
    }

    #[test]
    fn reads_lists_of_tags() {
        assert_eq!(condition(&[" * "]), Some(Condition::Any));
        for fields in [
            &[r#""a", W/"b,c""#][..],
            &[r#","a" ,, W/"b,c","#],
            &[r#""a""#, r#"W/"b,c""#],
        ] {
            let expected = vec![named(false, "a"), named(true, "b,c")];
            assert_eq!(condition(fields), Some(Condition::OneOf(expected)));
        }
        for malformed in [
            "",
            ",",
            "a",
            "\"a",
            "a\"",
            "\"a\"b",
            "\"a\" \"b\"",
            "w/\"a\"",
            "*, \"a\"",
            "\"a b\"",
            "W/",
        ] {
            assert_eq!(condition(&[malformed]), None, "{malformed}");
        }
        assert_eq!(condition(&[]), None);
    }

    #[test]
    fn a_tag_changes_with_what_it_stands_for() {
        let tag = |value| Representation::of(&value).unwrap().tag;
        assert_eq!(tag(json!({"a": 1})), tag(json!({"a": 1})));
        assert_ne!(tag(json!({"a": 1})), tag(json!({"a": 2})));
    }

    #[test]
    fn reads_compare_weakly_and_writes_strongly() {
        let tag = EntityTag("0a".to_owned());
        let read = |field: &str| IfNoneMatch(condition(&[field])).find(&tag);
        assert_eq!(read(r#""1b", "0a""#).as_deref(), Some(r#""0a""#));
        assert_eq!(read(r#"W/"0a""#).as_deref(), Some(r#""0a""#));
        assert_eq!(read(r#""0a-gzip""#).as_deref(), Some(r#""0a-gzip""#));
        assert_eq!(read("*").as_deref(), Some(r#""0a""#));
        assert_eq!(read(r#""0""#), None);
        assert_eq!(read("0a"), None);
        let write = |field: &str| IfMatch(condition(&[field])).check(&tag).is_ok();
        assert!(write(r#""0a""#) && write(r#""1b", "0a-br""#) && write("*"));
        assert!(!write(r#"W/"0a""#) && !write(r#""0""#));
        assert!(IfMatch(None).check(&tag).is_ok());
    }

    #[test]
    fn a_coding_has_a_tag_of_its_own() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, HeaderValue::from_static("\"0a\""));
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        tag_coding(&mut headers);
        assert_eq!(headers.get(header::ETAG).unwrap(), "\"0a-br\"");
        assert!(!headers.contains_key(header::VARY));
    }
}
