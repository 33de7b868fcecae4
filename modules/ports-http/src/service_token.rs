//! Tokens by which one process of the shop knows another.

use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use time::OffsetDateTime;

const ISSUER: &str = "cleave";
/// Not that of access tokens: neither passes for the other.
const AUDIENCE: &str = "cleave:peer";
const LIFETIME: Duration = Duration::from_secs(60);
/// A token is made anew well before it expires.
const RENEWED: Duration = Duration::from_secs(20);
/// The clocks of two machines may differ by this much.
const LEEWAY_S: u64 = 30;

/// Makes and verifies service tokens: `HS256` with the bytes of `internal.secret`.
pub struct ServiceTokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    current: ArcSwapOption<(String, Instant)>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
}

impl ServiceTokens {
    pub fn new(secret: &SecretString) -> Self {
        let key = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.leeway = LEEWAY_S;
        Self {
            signing: EncodingKey::from_secret(key),
            verifying: DecodingKey::from_secret(key),
            validation,
            current: ArcSwapOption::empty(),
        }
    }

    /// `Bearer` and a token that is good for the next moments.
    ///
    /// # Errors
    /// Only when the key cannot sign, which is a bug.
    pub fn bearer(&self) -> Result<String, jsonwebtoken::errors::Error> {
        if let Some(current) = &*self.current.load()
            && current.1.elapsed() < RENEWED
        {
            return Ok(current.0.clone());
        }
        let now = OffsetDateTime::now_utc();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now.unix_timestamp(),
            exp: (now + LIFETIME).unix_timestamp(),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?;
        let bearer = format!("Bearer {token}");
        self.current
            .store(Some(Arc::new((bearer.clone(), Instant::now()))));
        Ok(bearer)
    }

    /// Whether the value of a header is `Bearer` and a token of ours that stands.
    pub fn verify(&self, header: &str) -> bool {
        let Some((scheme, token)) = header.split_once(' ') else {
            return false;
        };
        scheme.eq_ignore_ascii_case("bearer")
            && jsonwebtoken::decode::<Claims>(token.trim(), &self.verifying, &self.validation)
                .inspect_err(|error| tracing::debug!(%error, "service token refused"))
                .is_ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn verifies_its_own_and_nobody_elses() {
        let ours = ServiceTokens::new(&"one".into());
        let bearer = ours.bearer().unwrap();
        assert!(ours.verify(&bearer));
        assert!(!ours.verify(bearer.trim_start_matches("Bearer ")));
        assert!(!ServiceTokens::new(&"two".into()).verify(&bearer));
        assert!(!ours.verify("Bearer x.y.z"));
    }

    #[test]
    fn an_access_token_is_no_service_token() {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: "cleave:shop".to_owned(),
            iat: 0,
            exp: i64::MAX / 2,
        };
        let key = EncodingKey::from_secret(b"one");
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        assert!(!ServiceTokens::new(&"one".into()).verify(&format!("Bearer {token}")));
    }
}
