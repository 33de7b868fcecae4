//! HTTPS: two files that must fit each other.

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

use super::support::Start;

/// A certificate and its key, in PEM.
fn pair() -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

fn with_files(cert: &str, key: &str) -> Start {
    let start = Start::new();
    let (cert, key) = (start.write("cert.pem", cert), start.write("key.pem", key));
    start
        .set(&format!("server.tls_cert={}", cert.display()))
        .set(&format!("server.tls_key={}", key.display()))
}

#[test]
fn a_certificate_and_its_key_are_taken() {
    let (cert, key) = pair();
    assert!(with_files(&cert, &key).load().certificate().is_some());
    assert!(Start::new().load().certificate().is_none());
    // Issuers come after the server's own; what else an issuer's tool writes is passed over.
    let chain = format!("Bag Attributes\n{cert}{}", pair().0);
    assert!(with_files(&chain, &key).load().certificate().is_some());
}

#[test]
fn files_that_cannot_be_served_with_are_named() {
    let (cert, key) = pair();
    let (other_cert, other_key) = pair();
    let truncated = &cert[..cert.len() / 2];
    let no_certificate = cert.replace("MII", "AAA");
    for (cert, key, problem) in [
        (
            "",
            &*key,
            "server.tls_cert (--set): cert.pem is not a chain of certificates in PEM",
        ),
        (
            "hello",
            &key,
            "server.tls_cert (--set): cert.pem is not a chain of certificates in PEM",
        ),
        (
            truncated,
            &key,
            "server.tls_cert (--set): cert.pem is not a chain of certificates in PEM",
        ),
        (
            &key,
            &key,
            "server.tls_cert (--set): cert.pem is not a chain of certificates in PEM",
        ),
        (
            &no_certificate,
            &key,
            "server.tls_cert (--set): cert.pem holds no usable certificate: ",
        ),
        (
            &cert,
            &cert,
            "server.tls_key (--set): key.pem is not a private key in PEM without a passphrase",
        ),
        (
            &cert,
            &other_key,
            "server.tls_key (--set): key.pem does not fit the certificate in cert.pem",
        ),
        (
            // In the wrong order.
            &format!("{other_cert}{cert}"),
            &key,
            "server.tls_key (--set): key.pem does not fit the certificate in cert.pem",
        ),
    ] {
        let problems = with_files(cert, key).problems();
        let [found] = &problems[..] else {
            panic!("{problems:?}");
        };
        assert!(found.starts_with(problem), "{found}\n{problem}");
        let secret: String = key.lines().skip(1).take(1).collect();
        assert!(secret.is_empty() || !found.contains(&secret), "{found}");
    }
    let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let sealed = other
        .serialize_pem()
        .replace("PRIVATE", "ENCRYPTED PRIVATE");
    assert_eq!(
        with_files(&cert, &sealed).problems(),
        ["server.tls_key (--set): key.pem is not a private key in PEM without a passphrase"]
    );
}

#[test]
fn one_without_the_other_is_no_certificate() {
    let (cert, key) = pair();
    for (setting, text, expected) in [
        (
            "tls_cert",
            cert,
            "server.tls_key: missing; server.tls_cert (--set) needs it: set both for HTTPS \
             (CLEAVE__SERVER__TLS_KEY), or neither",
        ),
        (
            "tls_key",
            key,
            "server.tls_cert: missing; server.tls_key (--set) needs it: set both for HTTPS \
             (CLEAVE__SERVER__TLS_CERT), or neither",
        ),
    ] {
        let start = Start::new();
        let path = start.write("file.pem", &text);
        let start = start.set(&format!("server.{setting}={}", path.display()));
        assert_eq!(start.problems(), [expected]);
    }
    let nowhere = Start::new()
        .set("server.tls_cert=/nowhere/cert.pem")
        .set("server.tls_key=/nowhere/key.pem");
    let problems = nowhere.problems();
    let expected = [
        "server.tls_cert (--set): /nowhere/cert",
        "server.tls_key (--set): /nowhere/key",
    ];
    assert_eq!(problems.len(), 2, "{problems:?}");
    for (problem, start) in problems.iter().zip(expected) {
        assert!(problem.starts_with(start), "{problem}");
        assert!(
            problem.contains(".pem cannot be read: No such file"),
            "{problem}"
        );
    }
}
