use std::borrow::Cow;
use std::fmt::{self, Display, Write};
use std::future::Future;
use std::time::{Duration, Instant, SystemTime};

use crate::{Context, Tell};

/// What a span is to the work before and after it, in the words of OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Work of this process.
    Internal,
    /// Answers a request from elsewhere.
    Server,
    /// Asks somebody else: a peer, a database, a receiver.
    Client,
    /// Writes down an event that others will hear of.
    Producer,
    /// Has an event take its effect.
    Consumer,
}

/// A piece of work. It is told when it is dropped, if its trace is sampled and somebody listens.
/// Otherwise it is only a context, and costs no allocation.
#[must_use]
pub struct Span {
    context: Option<Context>,
    open: Option<Box<Open>>,
}

struct Open {
    tell: &'static Tell,
    started: Instant,
    span: Ended,
}

/// A span at its end.
#[derive(Clone, Debug)]
pub struct Ended {
    pub context: Context,
    pub parent: Option<u64>,
    pub kind: Kind,
    pub name: String,
    pub start: SystemTime,
    pub took: Duration,
    pub attributes: Vec<(&'static str, Value)>,
    /// Why the work failed, if it did.
    pub failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(Cow<'static, str>),
    Integer(i64),
}

/// Of each text of a span; whoever asks may have written it.
const TEXT_MOST: usize = 256;

impl Span {
    /// Begins after `parent`; without one there is nothing to tell, and no context.
    pub fn begin(kind: Kind, parent: Option<Context>, name: fmt::Arguments<'_>) -> Self {
        Self::to(crate::tell(), kind, parent, name)
    }

    /// Has a context, and is never told.
    pub fn silent(parent: Context) -> Self {
        Self {
            context: Some(parent.next()),
            open: None,
        }
    }

    fn to(
        tell: Option<&'static Tell>,
        kind: Kind,
        parent: Option<Context>,
        name: fmt::Arguments<'_>,
    ) -> Self {
        let Some(parent) = parent else {
            return Self {
                context: None,
                open: None,
            };
        };
        let context = parent.next();
        let tell = tell.filter(|_| parent.is_sampled());
        let open = tell.map(|tell| {
            Box::new(Open {
                tell,
                started: Instant::now(),
                span: Ended {
                    context,
                    parent: parent.span_id(),
                    kind,
                    name: name.to_string(),
                    start: SystemTime::now(),
                    took: Duration::ZERO,
                    attributes: Vec::new(),
                    failure: None,
                },
            })
        });
        Self {
            context: Some(context),
            open,
        }
    }

    /// Whether it is worth finding out what to tell.
    pub fn is_told(&self) -> bool {
        self.open.is_some()
    }

    /// What goes on with the work of this span.
    pub fn context(&self) -> Option<Context> {
        self.context
    }

    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.open {
            open.span.attributes.push((key, value.into()));
        }
    }

    /// More of the name, where it is known late.
    pub fn extend_name(&mut self, more: fmt::Arguments<'_>) {
        if let Some(open) = &mut self.open {
            // A string takes everything.
            let _ = open.span.name.write_fmt(more);
        }
    }

    pub fn fail(&mut self, why: impl Display) {
        if let Some(open) = &mut self.open {
            open.span.failure = Some(cut(why.to_string()));
        }
    }

    /// Nothing came of it: it is not told.
    pub fn forget(mut self) {
        self.open = None;
    }

    /// Lasts for as long as the work, and fails with it.
    pub async fn over<T, E: Display>(
        mut self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        // When nobody waits for the work any more it does not come back here.
        self.fail("cut off");
        let done = work.await;
        match &done {
            Ok(_) => self.succeed(),
            Err(error) => self.fail(error),
        }
        done
    }

    fn succeed(&mut self) {
        if let Some(open) = &mut self.open {
            open.span.failure = None;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let Open {
                tell,
                started,
                mut span,
            } = *open;
            span.took = started.elapsed();
            span.name = cut(span.name);
            tell(span);
        }
    }
}

/// What is cut off is not kept in memory either.
fn cut(text: String) -> String {
    match text.len() {
        ..=TEXT_MOST => text,
        _ => text[..text.floor_char_boundary(TEXT_MOST)].to_owned(),
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<fmt::Arguments<'_>> for Value {
    fn from(text: fmt::Arguments<'_>) -> Self {
        Self::Text(Cow::Owned(cut(text.to_string())))
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    type Told = Arc<Mutex<Vec<Ended>>>;

    fn listener() -> (&'static Tell, Told) {
        let told = Told::default();
        let list = Arc::clone(&told);
        let tell: Tell = Box::new(move |span| list.lock().unwrap().push(span));
        (Box::leak(Box::new(tell)), told)
    }

    fn begin(tell: &'static Tell, parent: Option<Context>) -> Span {
        Span::to(Some(tell), Kind::Internal, parent, format_args!("work"))
    }

    #[test]
    fn a_span_is_told_at_its_end() {
        let (tell, told) = listener();
        let parent = Context::parse(SAMPLED).unwrap();
        let mut span = begin(tell, Some(parent));
        span.set("side", "local");
        span.set("path", format_args!("/{}", "é".repeat(TEXT_MOST)));
        span.extend_name(format_args!(" of {}", 7));
        let context = span.context().unwrap();
        assert!(told.lock().unwrap().is_empty());
        drop(span);
        let span = told.lock().unwrap().pop().unwrap();
        assert_eq!(span.context, context);
        assert_eq!(span.parent, parent.span_id());
        assert_eq!(span.name, "work of 7");
        assert_eq!(span.attributes[0], ("side", Value::from("local")));
        let Value::Text(path) = &span.attributes[1].1 else {
            panic!("{span:?}")
        };
        assert!(path.len() <= TEXT_MOST && path.starts_with("/éé"), "{path}");
        assert_eq!(span.failure, None);
    }

    #[test]
    fn who_does_not_want_to_be_told_of_is_not() {
        let (tell, told) = listener();
        let unsampled = Context::parse(UNSAMPLED);
        let span = begin(tell, unsampled);
        let context = span.context().unwrap();
        assert_eq!(context.trace_id(), unsampled.unwrap().trace_id());
        assert!(!context.is_sampled());
        drop(span);
        assert_eq!(begin(tell, None).context(), None);
        begin(tell, Context::parse(SAMPLED)).forget();
        drop(Span::silent(Context::parse(SAMPLED).unwrap()));
        assert!(told.lock().unwrap().is_empty());
    }

    #[test]
    fn the_first_span_of_a_trace_has_no_parent() {
        let (tell, told) = listener();
        drop(begin(tell, Some(Context::root())));
        let span = told.lock().unwrap().pop().unwrap();
        assert_eq!(span.parent, None);
        assert!(span.context.span_id().is_some());
    }

    #[test]
    fn a_span_fails_with_its_work_and_when_it_is_cut_off() {
        let (tell, told) = listener();
        let parent = Context::parse(SAMPLED);
        let failure = || told.lock().unwrap().pop().unwrap().failure;
        let mut done = Box::pin(begin(tell, parent).over(async { Ok::<_, String>(()) }));
        assert!(poll(done.as_mut()));
        assert_eq!(failure(), None);
        let mut failed = Box::pin(begin(tell, parent).over(async { Err::<(), _>("no") }));
        assert!(poll(failed.as_mut()));
        assert_eq!(failure(), Some("no".to_owned()));
        let never = std::future::pending::<Result<(), String>>();
        let mut waits = Box::pin(begin(tell, parent).over(never));
        assert!(!poll(waits.as_mut()));
        drop(waits);
        assert_eq!(failure(), Some("cut off".to_owned()));
    }

    fn poll(work: std::pin::Pin<&mut impl Future>) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        work.poll(&mut context).is_ready()
    }
}
