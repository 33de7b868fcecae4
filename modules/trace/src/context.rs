use std::fmt;

/// Where a piece of work stands in its trace: W3C Trace Context, level 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    trace: TraceId,
    /// Zero before the first span of a trace.
    span: u64,
    sampled: bool,
}

/// 128 bits, never zero; shown as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(u128);

impl Context {
    /// The beginning of a trace, which no span has yet. Whether it is sampled is decided here, for
    /// every process that it comes to.
    pub fn root() -> Self {
        let trace = TraceId(rand::random::<u128>().max(1));
        Self {
            trace,
            span: 0,
            sampled: trace.is_among(crate::sample_ratio()),
        }
    }

    /// A span after this one.
    pub(crate) fn next(self) -> Self {
        let span = rand::random::<u64>().max(1);
        Self { span, ..self }
    }

    /// Reads a `traceparent` (W3C Trace Context, 3.2); `None` when it is malformed.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // A later version may have more parts; ours has none.
        let version = number(version, 2).filter(|version| *version != 0xff)?;
        if version == 0 && parts.next().is_some() {
            return None;
        }
        let trace = number(trace, 32).filter(|id| *id != 0)?;
        let span = u64::try_from(number(span, 16)?).ok();
        let span = span.filter(|id| *id != 0)?;
        let sampled = number(flags, 2)? & 1 == 1;
        Some(Self {
            trace: TraceId(trace),
            span,
            sampled,
        })
    }

    pub fn trace_id(self) -> TraceId {
        self.trace
    }

    /// `None` before the first span of a trace.
    pub fn span_id(self) -> Option<u64> {
        (self.span != 0).then_some(self.span)
    }

    /// Whoever began the trace wants it told.
    pub fn is_sampled(self) -> bool {
        self.sampled
    }
}

/// As `traceparent` has it.
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

impl TraceId {
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The choice of OpenTelemetry's ratio samplers: by the right half of the id, so that whoever
    /// has the same ratio chooses the same traces.
    fn is_among(self, ratio: f64) -> bool {
        let [.., a, b, c, d, _, _, _, _] = self.to_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) < ratio * 2_f64.powi(32)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Hexadecimal digits, so many, in lower case.
fn number(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let whole = text.len() == digits && text.bytes().all(is_digit);
    whole.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn a_context_is_read_as_it_is_written() {
        for flags in ["00", "01"] {
            let text = format!("00-{TRACE}-00ad6b7169203331-{flags}");
            let context = Context::parse(&text).unwrap();
            assert_eq!(context.to_string(), text);
            assert_eq!(context.trace_id().to_string(), TRACE);
            assert_eq!(context.span_id(), Some(0x00ad_6b71_6920_3331));
            assert_eq!(context.is_sampled(), flags == "01");
        }
    }

    #[test]
    fn a_trace_goes_on_with_a_span_of_ours() {
        let offered = Context::parse(&format!("00-{TRACE}-b7ad6b7169203331-01")).unwrap();
        let next = offered.next();
        assert_eq!(next.trace_id(), offered.trace_id());
        assert_ne!(next.span_id(), offered.span_id());
        assert!(next.is_sampled());
        assert_eq!(Context::parse(&next.to_string()), Some(next));
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        let zeros = "0".repeat(32);
        for offered in [
            "",
            "00",
            &format!("00-{zeros}-b7ad6b7169203331-01"),
            &format!("00-{TRACE}-0000000000000000-01"),
            &format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            &format!("00-{TRACE}-b7ad6b7169203331-1"),
            &format!("00-{TRACE}-b7ad6b7169203331"),
            &format!("00-+{}-b7ad6b7169203331-01", &TRACE[1..]),
            &format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            &format!("ff-{TRACE}-b7ad6b7169203331-01"),
        ] {
            assert_eq!(Context::parse(offered), None, "{offered}");
        }
    }

    #[test]
    fn a_later_version_may_say_more() {
        let later = format!("cc-{TRACE}-b7ad6b7169203331-03-more");
        let context = Context::parse(&later).unwrap();
        let ours = format!("00-{TRACE}-b7ad6b7169203331-01");
        assert_eq!(context.to_string(), ours);
    }

    #[test]
    fn a_ratio_chooses_its_share() {
        let ids: Vec<TraceId> = (0..10_000).map(|_| Context::root().trace).collect();
        let share = |ratio| ids.iter().filter(|id| id.is_among(ratio)).count();
        assert_eq!((share(0.0), share(1.0)), (0, ids.len()));
        assert!((2_000..3_000).contains(&share(0.25)), "{}", share(0.25));
    }

    /// No exporter is installed in this process: it is as where nothing is configured.
    #[test]
    fn a_trace_that_begins_here_is_sampled_and_has_no_span() {
        let root = Context::root();
        assert!(root.is_sampled());
        assert_eq!(root.span_id(), None);
    }
}
