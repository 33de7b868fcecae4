//! The keys of EdDSA.

use platform::auth::{Ed25519Key, Role};
use uuid::Uuid;

use super::support::{STRONG, Start};
use crate::settings::*;

fn eddsa(start: Start) -> Start {
    start.env("CLEAVE__AUTH__ALGORITHM", "EdDSA")
}

fn with_keys(start: Start, keys: &[(&str, &str)]) -> Start {
    let keys = keys.iter().map(|(kid, text)| {
        let path = start.write(&format!("{kid}.pem"), text);
        format!("{kid}={}", path.display())
    });
    let keys = keys.collect::<Vec<_>>().join(",");
    start.env("CLEAVE__AUTH__KEYS", &keys)
}

fn pem() -> String {
    Ed25519Key::generate_pem().unwrap()
}

fn kids(secrets: &Secrets) -> Vec<String> {
    let keys = secrets.tokens.public_keys().keys.into_iter();
    keys.map(|key| key.kid).collect()
}

#[test]
fn development_makes_a_key_and_keeps_it() {
    let start = eddsa(Start::new());
    let mut settings = start.load();
    let first = settings.generate_missing_secrets().unwrap();
    assert_eq!(kids(&first).len(), 1);
    let source = settings.source("auth.keys").unwrap();
    assert!(matches!(source, Source::Generated(_)), "{source}");
    let secret = start.folder.path().join("data/keys/auth.secret");
    assert!(!secret.exists(), "nobody needs it");
    let again = start.load().generate_missing_secrets().unwrap();
    let token = first.tokens.issue(Uuid::nil(), Role::Customer, Uuid::nil());
    assert!(again.tokens.verify(&token.unwrap().token).is_some());
    assert_eq!(kids(&again), kids(&first));
    // What it is signed with is told by the setting alone.
    let hs256 = Start::new().load().generate_missing_secrets().unwrap();
    assert_eq!(kids(&hs256), [""; 0]);
}

#[test]
fn the_first_of_the_given_keys_signs() {
    let (old, new) = (pem(), pem());
    let start = eddsa(with_keys(
        Start::production(),
        &[("new", &new), ("old", &old)],
    ));
    let secrets = start.load().generate_missing_secrets().unwrap();
    assert_eq!(kids(&secrets), ["new", "old"]);
    let before = eddsa(with_keys(Start::production(), &[("old", &old)]));
    let before = before.load().generate_missing_secrets().unwrap();
    let token = before
        .tokens
        .issue(Uuid::nil(), Role::Customer, Uuid::nil());
    assert!(secrets.tokens.verify(&token.unwrap().token).is_some());
    let config = format!(
        "[auth]\nalgorithm = \"EdDSA\"\nkeys = [{{ kid = \"a\", file = {:?} }}]",
        start.folder.path().join("new.pem").display().to_string()
    );
    let table = Start::production().config(&config);
    assert_eq!(
        kids(&table.load().generate_missing_secrets().unwrap()),
        ["a"]
    );
}

#[test]
fn what_is_no_key_is_told_by_name() {
    let good = pem();
    let one = |text: &str| eddsa(with_keys(Start::new(), &[("a", text)])).problems();
    for wrong in ["", "secret", STRONG, &good.replace("PRIVATE", "PUBLIC")] {
        let problems = one(wrong);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let problem = &problems[0];
        assert!(
            problem.starts_with("auth.keys (environment CLEAVE__AUTH__KEYS): "),
            "{problem}"
        );
        assert!(
            problem.contains("a.pem is not an Ed25519 private key in PKCS#8 PEM"),
            "{problem}"
        );
        assert!(wrong.is_empty() || !problem.contains(wrong), "{problem}");
    }
    let missing = eddsa(Start::new()).env("CLEAVE__AUTH__KEYS", "a=nowhere.pem");
    let problems = missing.problems();
    assert!(
        problems[0].contains("cannot read nowhere.pem"),
        "{problems:?}"
    );
    let twice = eddsa(with_keys(Start::new(), &[("a", &good), ("a", &good)]));
    let problems = twice.problems();
    assert!(
        problems[0].contains(r#"two keys have the kid "a""#),
        "{problems:?}"
    );
    // Keys that nothing is signed with are not looked at.
    Start::new()
        .env("CLEAVE__AUTH__KEYS", "a=nowhere.pem")
        .load();
}

#[test]
fn production_wants_the_keys_and_not_the_secret() {
    let none = eddsa(Start::production()).problems();
    assert_eq!(none.len(), 1, "{none:?}");
    assert!(
        none[0].starts_with("auth.keys: missing; production does not generate"),
        "{none:?}"
    );
    let without_secret = Start::production().without("CLEAVE__AUTH__SECRET");
    let start = eddsa(with_keys(without_secret, &[("a", &pem())]));
    start.load().generate_missing_secrets().unwrap();
    let weak = start.env("CLEAVE__AUTH__SECRET", "short").problems();
    assert!(weak[0].starts_with("auth.secret (environment"), "{weak:?}");
}
