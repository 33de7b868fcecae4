use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use super::*;

const STRICT: WebhookRules = WebhookRules {
    allow_private_addresses: false,
    require_https: false,
};

/// A guard whose names lead to these addresses, one list after the other; the last one stays.
fn guard(rules: WebhookRules, answers: &'static [&'static [&'static str]]) -> Guard {
    let asked = AtomicUsize::new(0);
    let resolve = move |_: String| -> BoxFuture<'static, _> {
        let number = asked.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
        let addresses = answers[number].iter().map(|text| text.parse().unwrap());
        Box::pin(std::future::ready(Ok(addresses.collect())))
    };
    Guard {
        rules,
        resolve: Arc::new(resolve),
    }
}

const REFUSED: [&str; 62] = [
    "",
    "x",
    "example.com/hook",
    "//example.com/hook",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "https:example.com",
    "https:/example.com",
    "https:///example.com",
    "https:\\\\example.com",
    "https://example.com\\@127.0.0.1/",
    " https://example.com/",
    "https://example.com/ hook",
    "https://example.com/\thook",
    "https://exa\nmple.com/",
    "https://",
    "https://:443/",
    "https://?",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://:secret@example.com/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:x/",
    "https://exa mple.com/",
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://localhost/",
    "https://LOCALHOST:8443/",
    "https://localhost./",
    "https://shop.localhost/",
    "https://127.0.0.1/",
    "http://127.0.0.1:8100/ops/topology",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.1.2.3/",
    "https://192.168.0x1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://100.64.0.1/",
    "https://１２７.０.０.１/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fd00:ec2::254]/",
    "https://1%32%37.0.0.1/",
];

const TAKEN: [&str; 10] = [
    "https://example.com",
    "https://example.com/",
    "HTTPS://EXAMPLE.COM/hook?shop=1&x=%20#part",
    "http://example.com:8080/hook",
    "https://example.com./",
    "https://bücher.example/hook",
    "https://xn--bcher-kva.example/hook",
    "https://1.1.1.1/",
    "https://[2606:4700:4700::1111]:8443/",
    "https://example.com/@user",
];

#[tokio::test]
async fn a_url_that_leads_inside_is_refused() {
    let guard = guard(STRICT, &[&["1.1.1.1", "2606:4700:4700::1111"]]);
    for url in REFUSED {
        assert!(guard.judge(url).await.is_err(), "{url}");
    }
    for url in TAKEN {
        assert_eq!(guard.judge(url).await, Ok(()), "{url}");
    }
    let long = format!("https://example.com/{}", "a".repeat(URL_MOST));
    assert!(guard.judge(&long).await.is_err());
}

#[tokio::test]
async fn a_name_is_refused_for_any_of_its_addresses() {
    type Answers = &'static [&'static [&'static str]];
    const CASES: [(Answers, bool); 4] = [
        (&[&["1.1.1.1"]], true),
        (&[&["1.1.1.1", "10.0.0.1"]], false),
        (&[&["::ffff:169.254.169.254"]], false),
        // It has none, yet.
        (&[&[]], true),
    ];
    for (addresses, allowed) in CASES {
        let guard = guard(STRICT, addresses);
        let judged = guard.judge("https://shop.example/").await;
        assert_eq!(judged.is_ok(), allowed, "{addresses:?}");
    }
}

#[tokio::test]
async fn the_rules_say_otherwise() {
    let open = WebhookRules {
        allow_private_addresses: true,
        require_https: false,
    };
    let open = guard(open, &[&["10.0.0.1"]]);
    for url in [
        "http://127.0.0.1:9/",
        "http://localhost/",
        "http://[::1]/",
        "http://inside/",
    ] {
        assert_eq!(open.judge(url).await, Ok(()), "{url}");
    }
    let production = WebhookRules {
        allow_private_addresses: false,
        require_https: true,
    };
    let production = guard(production, &[&["1.1.1.1"]]);
    assert_eq!(production.judge("https://shop.example/").await, Ok(()));
    assert!(production.judge("http://shop.example/").await.is_err());
}

#[tokio::test]
async fn a_name_that_leads_inside_later_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let guard = guard(STRICT, &[&["1.1.1.1"], &["127.0.0.1"]]);
    assert_eq!(guard.judge("https://rebinding.example/").await, Ok(()));
    for host in [
        "rebinding.example",
        "127.0.0.1",
        "[::ffff:127.0.0.1]",
        "::1",
    ] {
        let refused = guard.connect(host, port).await.unwrap_err();
        assert!(
            matches!(refused, ConnectError::NotAllowed),
            "{host}: {refused:?}"
        );
    }
    // Forms that a resolver knows, were they to come so far.
    let system = Guard::new(STRICT);
    for host in ["localhost", "127.1", "0x7f.1", "2130706433"] {
        let refused = system.connect(host, port).await.unwrap_err();
        let inside = matches!(
            refused,
            ConnectError::NotAllowed | ConnectError::NoAddress(_)
        );
        assert!(inside, "{host}: {refused:?}");
    }
    let open = WebhookRules {
        allow_private_addresses: true,
        require_https: false,
    };
    assert!(
        Guard::new(open)
            .connect("localhost", port)
            .await
            .is_ok_and(|stream| stream.peer_addr().unwrap().port() == port)
    );
}
