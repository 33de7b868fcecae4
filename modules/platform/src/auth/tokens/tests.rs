use serde_json::{Value, json};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn shared(secret: &str) -> Tokens {
    Tokens::hs256(&secret.into(), MINUTE)
}

fn key(kid: &str) -> (String, Ed25519Key) {
    let pem = Ed25519Key::generate_pem().unwrap();
    let key = Ed25519Key::from_pem(Some(kid), &pem).unwrap();
    (pem, key)
}

fn eddsa(first: &Ed25519Key, others: &[&Ed25519Key]) -> Tokens {
    let others = others.iter().map(|key| (*key).clone()).collect();
    Tokens::eddsa(first.clone(), others, MINUTE)
}

fn issue(tokens: &Tokens) -> String {
    let issued = tokens.issue(Uuid::now_v7(), Role::Admin, Uuid::now_v7());
    issued.unwrap().token
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn claims() -> Value {
    json!({
        "sub": Uuid::now_v7(), "role": "customer", "sid": Uuid::now_v7(),
        "iat": now(), "exp": now() + 60, "iss": "cleave", "aud": "cleave:shop",
    })
}

/// Both kinds, and a way to sign anything as each does.
fn both() -> [(Tokens, Header, EncodingKey); 2] {
    let (_, key) = key("a");
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some("a".to_owned());
    [
        (
            shared("one"),
            Header::new(Algorithm::HS256),
            EncodingKey::from_secret(b"one"),
        ),
        (eddsa(&key, &[]), header, key.signing.clone()),
    ]
}

#[test]
fn verifies_its_own_and_nobody_elses() {
    let (_, key) = key("a");
    let (_, same_name) = self::key("a");
    for (ours, theirs) in [
        (shared("one"), shared("two")),
        (eddsa(&key, &[]), eddsa(&same_name, &[])),
        (shared("one"), eddsa(&key, &[])),
        (eddsa(&key, &[]), shared("one")),
    ] {
        let user_id = Uuid::now_v7();
        let token = ours.issue(user_id, Role::Admin, Uuid::now_v7()).unwrap();
        assert_eq!(token.expires_in, MINUTE);
        let claims = ours.verify(&token.token).unwrap();
        assert_eq!((claims.sub, claims.role), (user_id, Role::Admin));
        assert!(theirs.verify(&token.token).is_none());
    }
}

#[test]
fn a_key_is_rotated_without_signing_anybody_out() {
    let ((_, old), (_, new)) = (key("old"), key("new"));
    let (before, both, after) = (eddsa(&old, &[]), eddsa(&new, &[&old]), eddsa(&new, &[]));
    let (first, second) = (issue(&before), issue(&both));
    assert!(both.verify(&first).is_some());
    assert!(both.verify(&second).is_some());
    assert!(after.verify(&second).is_some());
    assert!(after.verify(&first).is_none());
    // Replicas that do not sign with it yet may know it already.
    assert!(eddsa(&old, &[&new]).verify(&second).is_some());
    let kids = |tokens: &Tokens| -> Vec<String> {
        let keys = tokens.public_keys().keys.into_iter();
        keys.map(|key| key.kid).collect()
    };
    assert_eq!(kids(&both), ["new", "old"]);
    assert_eq!(kids(&shared("one")), [""; 0]);
}

#[test]
fn refuses_claims_that_are_wrong() {
    for (tokens, header, key) in both() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut claims = claims();
            change(&mut claims);
            let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
            tokens.verify(&token).is_some()
        };
        let put = |name: &'static str, value: Value| with(&|claims| claims[name] = value.clone());
        let cut =
            |name: &'static str| with(&|claims| drop(claims.as_object_mut().unwrap().remove(name)));
        assert!(with(&|_| {}));
        assert!(put("iat", json!(now() + 30)), "clocks differ");
        assert!(put("nbf", json!(now() - 1)));
        for (name, value) in [
            ("exp", json!(now() - 1)),
            ("exp", json!(0)),
            ("exp", json!(-1)),
            ("exp", json!("tomorrow")),
            ("iat", json!(now() + 3600)),
            ("iat", json!("now")),
            ("nbf", json!(now() + 3600)),
            ("aud", json!("cleave:peers")),
            ("aud", json!("")),
            ("aud", json!(["another"])),
            ("iss", json!("another")),
            ("iss", json!("")),
            ("sub", json!("ada")),
            ("sid", Value::Null),
            ("role", json!("owner")),
        ] {
            assert!(!put(name, value.clone()), "{header:?}: {name} {value}");
        }
        for name in ["exp", "iat", "aud", "iss", "sub", "sid", "role"] {
            assert!(!cut(name), "{header:?}: without {name}");
        }
    }
}

#[test]
fn refuses_what_was_cut_or_changed() {
    for (tokens, ..) in both() {
        let token = issue(&tokens);
        for end in 0..token.len() {
            assert!(tokens.verify(&token[..end]).is_none(), "{end}");
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [head, body, signature] = parts[..] else {
            panic!()
        };
        let other = issue(&tokens);
        let others_body = other.split('.').nth(1).unwrap();
        for forged in [
            format!("{head}.{others_body}.{signature}"),
            format!("{head}.{body}.{}", "A".repeat(signature.len())),
            format!("{head}.{body}.{signature}."),
            format!("{head}.{body}.{signature}.{signature}"),
            format!(".{body}.{signature}"),
            format!("{head}..{signature}"),
            format!(" {token}"),
            format!("{token}="),
            "x.y.z".to_owned(),
            "..".to_owned(),
        ] {
            assert!(tokens.verify(&forged).is_none(), "{forged}");
        }
    }
}

#[test]
fn refuses_a_token_that_chooses_its_algorithm() {
    let (pem, key) = key("a");
    let tokens = eddsa(&key, &[]);
    let x = tokens.public_keys().keys[0].x.clone();
    // The public key is no secret: who may verify must not be able to sign.
    for secret in [x.as_bytes(), pem.as_bytes(), b"", key.signing.as_bytes()] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let mut header = Header::new(algorithm);
            for kid in [None, Some("a".to_owned())] {
                header.kid = kid;
                let secret = EncodingKey::from_secret(secret);
                let forged = jsonwebtoken::encode(&header, &claims(), &secret).unwrap();
                assert!(tokens.verify(&forged).is_none(), "{header:?}");
            }
        }
    }
    // Signed by our key, and without its name or with another's.
    for kid in [None, Some("b"), Some(""), Some("../../a")] {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = kid.map(str::to_owned);
        let nameless = jsonwebtoken::encode(&header, &claims(), &key.signing).unwrap();
        assert!(tokens.verify(&nameless).is_none(), "{kid:?}");
    }
    let secret = EncodingKey::from_secret(b"one");
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let other = jsonwebtoken::encode(&Header::new(algorithm), &claims(), &secret).unwrap();
        assert!(shared("one").verify(&other).is_none(), "{algorithm:?}");
    }
}

#[test]
fn refuses_an_unsigned_token() {
    for (tokens, ..) in both() {
        let token = issue(&tokens);
        let payload = token.split('.').nth(1).unwrap();
        for head in [
            // {"alg":"none","typ":"JWT"}, {"alg":"None"}, {"alg":"none","kid":"a"}
            "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0",
            "eyJhbGciOiJOb25lIn0",
            "eyJhbGciOiJub25lIiwia2lkIjoiYSJ9",
        ] {
            let signature = token.split('.').nth(2).unwrap();
            for signature in ["", signature] {
                let forged = format!("{head}.{payload}.{signature}");
                assert!(tokens.verify(&forged).is_none());
            }
        }
    }
}

#[test]
fn keys_do_not_get_into_logs() {
    let (_, key) = key("a");
    assert_eq!(format!("{:?}", eddsa(&key, &[])), "Tokens(EdDSA)");
    assert_eq!(format!("{:?}", shared("one")), "Tokens(HS256)");
}
