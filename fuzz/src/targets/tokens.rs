//! Access tokens: what is let in has our signature, by our algorithm, and says what it must.
use std::sync::LazyLock;
use std::time::Duration;

use crate::choices;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use platform::auth::{Ed25519Key, Tokens};
use serde_json::Value;
use time::OffsetDateTime;

const SECRET: &str = "what only the fuzzer and this token's issuer know";
/// Of RFC 8037, appendix A.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";
struct Ours {
    algorithm: Algorithm,
    name: &'static str,
    tokens: Tokens,
    signing: EncodingKey,
    verifying: DecodingKey,
}

static BOTH: LazyLock<[Ours; 2]> = LazyLock::new(|| {
    let key = Ed25519Key::from_pem(Some("a"), PEM).unwrap();
    let hour = Duration::from_secs(3600);
    let tokens = Tokens::eddsa(key, Vec::new(), hour);
    let x = tokens.public_keys().keys[0].x.clone();
    let body = PEM.lines().nth(1).unwrap().trim();
    let der = STANDARD.decode(body).unwrap();
    [
        Ours {
            algorithm: Algorithm::HS256,
            name: "HS256",
            tokens: Tokens::hs256(&SECRET.into(), hour),
            signing: EncodingKey::from_secret(SECRET.as_bytes()),
            verifying: DecodingKey::from_secret(SECRET.as_bytes()),
        },
        Ours {
            algorithm: Algorithm::EdDSA,
            name: "EdDSA",
            tokens,
            signing: EncodingKey::from_ed_der(&der),
            verifying: DecodingKey::from_ed_components(&x).unwrap(),
        },
    ]
});

pub fn run(data: &[u8]) {
    let Some(([how], rest)) = choices(data) else {
        return;
    };
    let token = match how % 3 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        by => signed(&BOTH[usize::from(by) - 1], rest),
    };
    for ours in &*BOTH {
        if ours.tokens.verify(&token).is_some() {
            hold(ours, &token);
        }
    }
}

/// Head and claims, a line each, with a signature that is right.
fn signed(ours: &Ours, lines: &[u8]) -> String {
    let cut = lines.iter().position(|byte| *byte == b'\n');
    let (head, claims) = lines.split_at(cut.unwrap_or(lines.len()));
    let claims = claims.get(1..).unwrap_or_default();
    let encode = |bytes| URL_SAFE_NO_PAD.encode(bytes);
    let message = format!("{}.{}", encode(head), encode(claims));
    let signature = crypto::sign(message.as_bytes(), &ours.signing, ours.algorithm);
    format!("{message}.{}", signature.unwrap())
}

fn hold(ours: &Ours, token: &str) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signed = crypto::verify(
        signature,
        message.as_bytes(),
        &ours.verifying,
        ours.algorithm,
    );
    assert!(signed.unwrap(), "{token}");
    let (head, claims) = message.split_once('.').unwrap();
    let json =
        |part| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    let (head, claims) = (json(head), json(claims));
    assert_eq!(head["alg"], ours.name);
    if ours.algorithm == Algorithm::EdDSA {
        assert_eq!(head["kid"], "a");
    }
    assert_eq!(claims["iss"], "cleave");
    assert_eq!(claims["aud"], "cleave:shop");
    let now = OffsetDateTime::now_utc().unix_timestamp();
    assert!(
        claims["exp"].as_f64().unwrap() >= now as f64 - 2.0,
        "{claims}"
    );
    assert!(claims["iat"].as_i64().unwrap() <= now + 61, "{claims}");
}
