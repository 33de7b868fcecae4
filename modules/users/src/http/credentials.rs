//! The two bodies of a sign-in.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use garde::Validate;
use platform::{Problem, body, params};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Who wants to sign in. No rule but their presence: what cannot be an email or a password is a
/// wrong one.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub(super) struct Credentials {
    #[schema(example = "anna@example.com")]
    pub(super) email: String,
    #[schema(value_type = String, format = Password, example = "correct horse battery staple")]
    pub(super) password: SecretString,
}

/// The password grant of OAuth2 (RFC 6749, 4.3.2), with what its clients send along.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[allow(dead_code)]
pub(super) struct PasswordGrant {
    #[garde(custom(check_grant_type))]
    #[schema(example = "password")]
    grant_type: Option<String>,
    /// The email.
    #[schema(example = "anna@example.com")]
    username: String,
    #[schema(value_type = String, format = Password, example = "correct horse battery staple")]
    password: SecretString,
    /// Ignored, as are the next two.
    scope: Option<String>,
    client_id: Option<String>,
    #[schema(value_type = Option<String>)]
    client_secret: Option<SecretString>,
}

fn check_grant_type<C>(grant_type: &Option<String>, _: &C) -> garde::Result {
    match grant_type.as_deref() {
        None | Some("password") => Ok(()),
        Some(_) => Err(garde::Error::new("must be `password`")),
    }
}

impl From<PasswordGrant> for Credentials {
    fn from(grant: PasswordGrant) -> Self {
        Self {
            email: grant.username,
            password: grant.password,
        }
    }
}

impl FromRequest for Credentials {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let payload = web::Payload::from_request(&req, payload);
        Box::pin(async move {
            body::expect_media_type(&req, &[JSON, FORM])?;
            let payload = payload.await.map_err(|_| Problem::internal())?;
            let bytes = body::read(&req, payload).await?;
            match req.content_type().eq_ignore_ascii_case(FORM) {
                true => params::parse::<PasswordGrant>(&bytes).map(Self::from),
                false => body::parse(&bytes),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn field(problem: &Problem) -> String {
        let body = problem.response(None, None).into_body();
        let bytes = actix_web::body::MessageBody::try_into_bytes(body).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        json["errors"][0]["field"].as_str().unwrap().to_owned()
    }

    #[test]
    fn takes_the_form_of_oauth2() {
        let form = b"grant_type=password&username=a%2Bb%40c.de&password=x+y&scope=&client_id=";
        let grant = params::parse::<PasswordGrant>(form).unwrap();
        let credentials = Credentials::from(grant);
        assert_eq!(credentials.email, "a+b@c.de");
        assert_eq!(credentials.password.expose_secret(), "x y");
    }

    #[test]
    fn names_the_parameter_that_is_wrong() {
        for (form, name) in [
            ("", "username"),
            ("username=a", "password"),
            ("username=a&password=b&grant_type=other", "grant_type"),
            ("username=a&username=a&password=b", "username"),
            ("username=a&password=b&extra=1", "extra"),
            ("username=a%00&password=b", "username"),
        ] {
            let problem = params::parse::<PasswordGrant>(form.as_bytes()).unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), field(&problem)),
                (422, name.to_owned())
            );
        }
    }
}
