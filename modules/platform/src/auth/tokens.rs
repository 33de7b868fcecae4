//! Access tokens: signed here, verified here, so that both agree.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Role;

const ISSUER: &str = "cleave";
/// Service tokens have another audience, so that neither passes for the other.
const AUDIENCE: &str = "cleave:shop";

/// Signs and verifies access tokens.
#[derive(Clone)]
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    lifetime: Duration,
}

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub sub: Uuid,
    pub role: Role,
    /// The session that the token was issued in.
    pub sid: Uuid,
    pub iat: i64,
    pub exp: i64,
    iss: String,
    aud: String,
}

pub struct AccessToken {
    pub token: String,
    pub expires_in: Duration,
}

impl Tokens {
    /// `HS256` (RFC 7518, 3.2): the key is the bytes of `secret` as written.
    pub fn hs256(secret: &SecretString, lifetime: Duration) -> Self {
        let key = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        validation.leeway = 0;
        Self {
            signing: EncodingKey::from_secret(key),
            verifying: DecodingKey::from_secret(key),
            validation,
            lifetime,
        }
    }

    /// # Errors
    /// Only when the claims cannot be serialised or the key cannot sign, which is a bug.
    pub fn issue(
        &self,
        user_id: Uuid,
        role: Role,
        session_id: Uuid,
    ) -> Result<AccessToken, jsonwebtoken::errors::Error> {
        let now = OffsetDateTime::now_utc();
        let claims = Claims {
            sub: user_id,
            role,
            sid: session_id,
            iat: now.unix_timestamp(),
            exp: (now + self.lifetime).unix_timestamp(),
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?;
        Ok(AccessToken {
            token,
            expires_in: self.lifetime,
        })
    }

    /// The claims of a token of ours that has not expired.
    pub fn verify(&self, token: &str) -> Option<Claims> {
        match jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation) {
            Ok(data) => Some(data.claims),
            Err(error) => {
                tracing::debug!(%error, "access token refused");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(secret: &str) -> Tokens {
        Tokens::hs256(&secret.into(), Duration::from_secs(60))
    }

    #[test]
    fn verifies_its_own_and_nobody_elses() {
        let user_id = Uuid::now_v7();
        let issued = tokens("one")
            .issue(user_id, Role::Admin, Uuid::now_v7())
            .unwrap();
        let claims = tokens("one").verify(&issued.token).unwrap();
        assert_eq!((claims.sub, claims.role), (user_id, Role::Admin));
        assert!(tokens("two").verify(&issued.token).is_none());
        assert!(tokens("one").verify("x.y.z").is_none());
    }

    #[test]
    fn refuses_an_unsigned_token() {
        let issued = tokens("one")
            .issue(Uuid::nil(), Role::Customer, Uuid::nil())
            .unwrap();
        let payload = issued.token.split('.').nth(1).unwrap();
        // {"alg":"none","typ":"JWT"}
        let forged = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
        assert!(tokens("one").verify(&forged).is_none());
    }
}
