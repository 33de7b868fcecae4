//! Access tokens: signed here, verified here, so that both agree.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode_header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Role;
use super::keys::{Ed25519Key, KeySet};

const ISSUER: &str = "cleave";
/// Service tokens have another audience, so that neither passes for the other.
const AUDIENCE: &str = "cleave:shop";
/// How far the clock of whoever issued a token may be ahead.
const CLOCKS_APART: i64 = 60;

/// Signs and verifies access tokens, by one algorithm: a token that names another is refused (RFC
/// 8725, 3.1).
#[derive(Clone)]
pub struct Tokens {
    keys: Arc<Keys>,
    validation: Arc<Validation>,
    lifetime: Duration,
}

enum Keys {
    Hs256 {
        signing: EncodingKey,
        verifying: DecodingKey,
    },
    /// The first one signs, all of them verify.
    EdDsa {
        first: Ed25519Key,
        others: Vec<Ed25519Key>,
    },
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
        let keys = Keys::Hs256 {
            signing: EncodingKey::from_secret(key),
            verifying: DecodingKey::from_secret(key),
        };
        Self::new(keys, lifetime)
    }

    /// `EdDSA` (RFC 8037, 3.1): `first` signs, the others verify too. A token names its key.
    pub fn eddsa(first: Ed25519Key, others: Vec<Ed25519Key>, lifetime: Duration) -> Self {
        Self::new(Keys::EdDsa { first, others }, lifetime)
    }

    fn new(keys: Keys, lifetime: Duration) -> Self {
        let mut validation = Validation::new(keys.algorithm());
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = 0;
        Self {
            keys: Arc::new(keys),
            validation: Arc::new(validation),
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
        let (kid, key) = self.keys.signing();
        let mut header = Header::new(self.keys.algorithm());
        header.kid = kid.map(str::to_owned);
        Ok(AccessToken {
            token: jsonwebtoken::encode(&header, &claims, key)?,
            expires_in: self.lifetime,
        })
    }

    /// The claims of a token of ours that has not expired.
    pub fn verify(&self, token: &str) -> Option<Claims> {
        let header = decode_header(token).ok()?;
        let key = self.keys.verifying(header.kid.as_deref());
        let claims = key.map(|key| jsonwebtoken::decode::<Claims>(token, key, &self.validation));
        match claims {
            Some(Ok(data)) if data.claims.iat <= latest() => Some(data.claims),
            Some(Err(error)) => {
                tracing::debug!(%error, "access token refused");
                None
            }
            _ => {
                tracing::debug!("access token refused: of an unknown key, or of the future");
                None
            }
        }
    }

    /// What others need to verify tokens.
    pub fn public_keys(&self) -> KeySet {
        let keys = match &*self.keys {
            Keys::Hs256 { .. } => Vec::new(),
            Keys::EdDsa { first, others } => {
                let all = [first].into_iter().chain(others);
                all.map(Ed25519Key::public).collect()
            }
        };
        KeySet { keys }
    }
}

/// When a token may have been issued at the latest.
fn latest() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp() + CLOCKS_APART
}

impl Keys {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hs256 { .. } => Algorithm::HS256,
            Self::EdDsa { .. } => Algorithm::EdDSA,
        }
    }

    fn signing(&self) -> (Option<&str>, &EncodingKey) {
        match self {
            Self::Hs256 { signing, .. } => (None, signing),
            Self::EdDsa { first, .. } => (Some(&first.kid), &first.signing),
        }
    }

    fn verifying(&self, kid: Option<&str>) -> Option<&DecodingKey> {
        match self {
            Self::Hs256 { verifying, .. } => Some(verifying),
            Self::EdDsa { first, others } => {
                let kid = kid?;
                let mut all = [first].into_iter().chain(others);
                all.find(|key| key.kid == kid).map(|key| &key.verifying)
            }
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({:?})", self.keys.algorithm())
    }
}

#[cfg(test)]
mod tests;
