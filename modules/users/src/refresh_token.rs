use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// 32 random bytes in base64url. The database keeps the SHA-256 of the text alone; a random key
/// needs no slow hash.
pub(crate) struct RefreshToken(SecretString);

impl RefreshToken {
    pub(crate) fn random() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.expose()).into()
    }
}

impl From<SecretString> for RefreshToken {
    fn from(text: SecretString) -> Self {
        Self(text)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let (one, other) = (RefreshToken::random(), RefreshToken::random());
        assert_eq!(one.expose().len(), 43);
        assert_ne!(one.hash(), other.hash());
        let presented = RefreshToken::from(SecretString::from(one.expose()));
        assert_eq!(presented.hash(), one.hash());
    }
}
