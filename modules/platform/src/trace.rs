//! W3C Trace Context: one trace through every process that a request passes.

use uuid::Uuid;

/// The `traceparent` to send on: the caller's trace with a span of ours, or a new trace.
pub fn continued(offered: Option<&str>) -> String {
    let span = span_id();
    match offered.and_then(parse) {
        Some((trace, flags)) => format!("00-{trace}-{span}-{flags}"),
        None => format!("00-{}-{span}-01", Uuid::now_v7().simple()),
    }
}

/// The trace's id, for logs.
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

/// Trace id and flags of a well-formed header (W3C Trace Context, 3.2.2).
fn parse(header: &str) -> Option<(&str, &str)> {
    let mut parts = header.trim().split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // A later version may have more parts; ours has none.
    let whole = version != "00" || parts.next().is_none();
    let sound = hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && trace.bytes().any(|digit| digit != b'0')
        && hex(parent, 16)
        && parent.bytes().any(|digit| digit != b'0')
        && hex(flags, 2);
    (whole && sound).then_some((trace, flags))
}

fn hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// 64 bits, of which the last 62 are random (RFC 9562, 5.7).
fn span_id() -> String {
    let (_, low) = Uuid::now_v7().as_u64_pair();
    format!("{low:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn a_trace_goes_on_with_a_span_of_ours() {
        let offered = format!("00-{TRACE}-b7ad6b7169203331-01");
        let sent = continued(Some(&offered));
        assert_eq!(trace_id(&sent), TRACE);
        assert_ne!(sent, offered);
        assert!(parse(&sent).is_some());
    }

    #[test]
    fn what_is_malformed_begins_a_new_one() {
        let zeros = "0".repeat(32);
        for offered in [
            "",
            "00",
            &format!("00-{zeros}-b7ad6b7169203331-01"),
            &format!("00-{TRACE}-0000000000000000-01"),
            &format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            &format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            &format!("ff-{TRACE}-b7ad6b7169203331-01"),
        ] {
            let sent = continued(Some(offered));
            assert!(parse(&sent).is_some(), "{sent}");
            assert_ne!(trace_id(&sent), TRACE, "{offered}");
        }
    }
}
