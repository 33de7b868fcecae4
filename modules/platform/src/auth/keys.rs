//! Ed25519 keys that sign access tokens (RFC 8032, RFC 8037).

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// A key, and what others know it by.
#[derive(Clone)]
pub struct Ed25519Key {
    pub(super) kid: String,
    pub(super) signing: EncodingKey,
    pub(super) verifying: DecodingKey,
    /// The public half in base64url.
    x: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not an Ed25519 private key in PKCS#8 PEM; `openssl genpkey -algorithm ed25519` makes one"
)]
pub struct NotAKey;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

impl Ed25519Key {
    /// Reads PKCS#8 (RFC 5958) in PEM (RFC 7468). Without a name it is called by its thumbprint.
    pub fn from_pem(kid: Option<&str>, pem: &str) -> Result<Self, NotAKey> {
        let (_, rest) = pem.split_once(BEGIN).ok_or(NotAKey)?;
        let (body, _) = rest.split_once(END).ok_or(NotAKey)?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| NotAKey)?;
        let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| NotAKey)?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Ok(Self {
            kid: kid.map_or_else(|| thumbprint(&x), str::to_owned),
            signing: EncodingKey::from_ed_der(&der),
            verifying: DecodingKey::from_ed_components(&x).map_err(|_| NotAKey)?,
            x,
        })
    }

    /// A new one as PEM; `None` when the system gives no randomness.
    pub fn generate_pem() -> Option<String> {
        let pair = Ed25519KeyPair::generate().ok()?;
        let der = pair.to_pkcs8v1().ok()?;
        let body = STANDARD.encode(der.as_ref());
        Some(format!("{BEGIN}\n{body}\n{END}\n"))
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey {
            kty: "OKP",
            crv: "Ed25519",
            x: self.x.clone(),
            kid: self.kid.clone(),
            alg: "EdDSA",
            r#use: "sig",
        }
    }
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ed25519Key").field(&self.kid).finish()
    }
}

/// RFC 7638, 3: the hash of the members that must be there, in the order of their names.
fn thumbprint(x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

/// The public keys that access tokens are verified with (RFC 7517, 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeySet {
    /// The first one signs; none when tokens are not signed with EdDSA.
    pub keys: Vec<PublicKey>,
}

/// A public key (RFC 8037, 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PublicKey {
    #[schema(example = "OKP")]
    pub kty: &'static str,
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
    #[schema(example = "2026-11")]
    pub kid: String,
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    #[schema(example = "sig")]
    pub r#use: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 8037, appendix A, with its public key and its thumbprint.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    #[test]
    fn reads_the_key_of_the_rfc() {
        let key = Ed25519Key::from_pem(None, PEM).unwrap();
        assert_eq!((key.x.as_str(), key.kid()), (X, THUMBPRINT));
        let with_text = format!("Key of 2026\r\n{}", PEM.replace('\n', "\r\n"));
        let named = Ed25519Key::from_pem(Some("a"), &with_text).unwrap();
        assert_eq!((named.x.as_str(), named.kid()), (X, "a"));
        assert_eq!(format!("{named:?}"), r#"Ed25519Key("a")"#);
    }

    #[test]
    fn makes_keys_that_it_reads() {
        let pem = || Ed25519Key::generate_pem().unwrap();
        let (one, other) = (pem(), pem());
        assert_ne!(one, other);
        assert!(Ed25519Key::from_pem(None, &one).is_ok());
    }

    #[test]
    fn knows_what_is_no_key() {
        let public = "-----BEGIN PUBLIC KEY-----\n\
            MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
            -----END PUBLIC KEY-----\n";
        // P-256
        let other = "-----BEGIN PRIVATE KEY-----\n\
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n\
            OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n\
            1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n\
            -----END PRIVATE KEY-----\n";
        let cut = PEM.replace("rn9g", "");
        for text in [
            "",
            "secret",
            PEM.trim_end_matches('\n').split_at(60).0,
            public,
            other,
            &cut,
        ] {
            assert_eq!(
                Ed25519Key::from_pem(None, text).unwrap_err(),
                NotAKey,
                "{text}"
            );
        }
    }
}
