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
        ] {
            let problem = parse::<Query>(text.as_bytes()).unwrap_err();
            let body = problem.response(None, None).into_body();
            let bytes = actix_web::body::MessageBody::try_into_bytes(body).unwrap();
            let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(json["errors"][0]["field"], "limit", "{text}: {json}");
        }
    }
}
