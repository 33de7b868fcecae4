//! Query parameters: 422 naming the parameter when one is malformed or out of range.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use garde::Validate;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::auth::let_in;
use crate::body::validate;

#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T> FromRequest for Params<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let params = parse(req.query_string().as_bytes()).map(Self);
        let let_in = let_in(req);
        Box::pin(async move {
            let_in.await?;
            params
        })
    }
}

/// Parses and validates `application/x-www-form-urlencoded` text.
pub fn parse<T>(text: &[u8]) -> Result<T, Problem>
where
    T: DeserializeOwned + Validate<Context = ()>,
{
    if let Some(name) = not_utf8(text) {
        return Err(Problem::invalid_field(name, "must be UTF-8"));
    }
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(text)
        .map_err(|error| Problem::invalid_field("query", error.to_string()))?;
    if let Some((name, _)) = pairs.iter().find(|(_, value)| value.contains('\0')) {
        return Err(Problem::invalid_field(
            name,
            "must not contain the character U+0000",
        ));
    }
    let form = serde_urlencoded::Deserializer::new(form_pairs(text));
    let value = serde_path_to_error::deserialize(form).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string();
        let named = ["missing field `", "duplicate field `"]
            .iter()
            .find_map(|start| message.strip_prefix(start)?.split('`').next());
        let field = named.map_or(path, str::to_owned);
        Problem::invalid_field(field, message)
    })?;
    validate(value)
}

/// The first parameter that is not UTF-8; a parser would put U+FFFD in its place.
fn not_utf8(text: &[u8]) -> Option<String> {
    let mut pairs = text.split(|byte| *byte == b'&');
    let wrong = pairs.find(|pair| String::from_utf8(decoded(pair)).is_err())?;
    let name = wrong.split(|byte| *byte == b'=').next()?;
    let name = String::from_utf8(decoded(name));
    Some(name.unwrap_or_else(|_| "query".to_owned()))
}

fn decoded(mut text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
    let mut bytes = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        let escaped = match text {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        let (byte, length) = match escaped {
            Some((high, low)) => (high << 4 | low, 3),
            None => (*first, 1),
        };
        bytes.push(byte);
        text = text.get(length..).unwrap_or(rest);
    }
    bytes
}

fn form_pairs(text: &[u8]) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(text)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, Validate)]
    struct Query {
        #[garde(range(min = 1, max = 100))]
        limit: Option<u32>,
    }

    #[test]
    fn names_the_parameter_that_is_wrong() {
        assert_eq!(parse::<Query>(b"limit=7").unwrap().limit, Some(7));
        for text in [
            "limit=x",
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=",
            "limit=1&limit=2",
            "limit=%00",
            "limit=%ff",
            "a=%C3%A4&limit=7%e4",
            "%6Cimit=%C3+%A4",
        ] {
            let problem = parse::<Query>(text.as_bytes()).unwrap_err();
            let body = problem.response(None, None).into_body();
            let bytes = actix_web::body::MessageBody::try_into_bytes(body).unwrap();
            let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(json["errors"][0]["field"], "limit", "{text}: {json}");
        }
    }
}
