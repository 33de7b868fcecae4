//! A port that is answered by the module or by its peer, as the dial says.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use ports::{CallContext, Failure, PortError, PortResult};
use trace::Span;
use tracing::Instrument;

use crate::client::{ask, noticed};
use crate::dial::{Dial, Kind, Route, Side};
use crate::{Call, Fault, Peer, Repeat};

/// Implements each port; see [`crate::calls`].
pub struct Switch<P: ?Sized> {
    local: Option<Arc<P>>,
    dial: Arc<Dial>,
}

type Answer<C> = PortResult<<C as Call>::Reply, <C as Call>::Rejection>;

impl<P: ?Sized + Send + Sync + 'static> Switch<P> {
    /// `local` is the module, when this process hosts it.
    pub fn new(local: Option<Arc<P>>, dial: Arc<Dial>) -> Self {
        Self { local, dial }
    }

    pub(crate) async fn place<C: Call, F>(
        &self,
        cx: CallContext,
        request: C::Request,
        ask_module: fn(Arc<P>, CallContext, C::Request) -> F,
    ) -> Answer<C>
    where
        F: Future<Output = Answer<C>> + Send,
    {
        let local = |cx: CallContext, request| {
            let module = self.local.clone();
            self.observe::<C, _>(Side::Local, cx, async move |cx| match module {
                Some(module) => ask_module(module, cx, request).await,
                None => Err(PortError::Failed(Failure::Unavailable)),
            })
        };
        match self.dial.route(C::REPEAT == Repeat::Safe) {
            Route::Local | Route::Nowhere => local(cx, request).await,
            Route::Remote(peer) => match self.remote::<C>(&peer, &cx, &request).await {
                Ok(answer) => answer,
                Err(fault) => Err(noticed::<C>(&peer, &cx, &fault)),
            },
            Route::Canary(peer) => match self.remote::<C>(&peer, &cx, &request).await {
                Ok(answer) => answer,
                Err(fault) if fault.may_be_answered_here(C::REPEAT) => {
                    tracing::warn!(module = C::MODULE, call = C::NAME, %fault, "canary: asking here");
                    local(cx, request).await
                }
                Err(fault) => Err(noticed::<C>(&peer, &cx, &fault)),
            },
            Route::Shadowed(peer) => {
                let answer = local(cx.clone(), request.clone()).await;
                self.compare::<C>(peer, cx, request, &answer);
                answer
            }
        }
    }

    async fn remote<C: Call>(
        &self,
        peer: &Peer,
        cx: &CallContext,
        request: &C::Request,
    ) -> Result<Answer<C>, Fault> {
        let mut fault = None;
        let answer = self.observe::<C, _>(Side::Remote, cx.clone(), async |cx| {
            match ask::<C>(peer, &cx, request).await {
                Ok(answer) => answer,
                Err(error) => {
                    let failure = Failure::from(&error);
                    fault = Some(error);
                    Err(PortError::Failed(failure))
                }
            }
        });
        let answer = answer.await;
        fault.map_or(Ok(answer), Err)
    }

    /// One span and one measurement, the same for both sides.
    async fn observe<C: Call, F: Future<Output = Answer<C>>>(
        &self,
        side: Side,
        cx: CallContext,
        ask: impl FnOnce(CallContext) -> F,
    ) -> Answer<C> {
        let mut told = begin::<C>(side, &cx);
        let cx = CallContext {
            trace: told.context(),
            ..cx
        };
        let span = tracing::info_span!(
            "port_call",
            module = C::MODULE,
            call = C::NAME,
            side = side.name()
        );
        let start = Instant::now();
        let answer = ask(cx).instrument(span).await;
        let took = start.elapsed();
        end(&mut told, &answer);
        // What nobody answered took no time that tells of the side.
        if !matches!(answer, Err(PortError::Failed(_))) {
            self.dial.measure(Kind::Call, side, took);
        }
        metrics::histogram!(
            "cleave_port_call_seconds",
            "module" => C::MODULE,
            "call" => C::NAME,
            "side" => side.name(),
            "outcome" => outcome(&answer),
        )
        .record(took);
        answer
    }

    /// Asks the peer what the module has just answered, beside the caller's way.
    fn compare<C: Call>(
        &self,
        peer: Arc<Peer>,
        cx: CallContext,
        request: C::Request,
        local: &Answer<C>,
    ) {
        // A module that failed said nothing that a peer could agree with.
        if matches!(local, Err(PortError::Failed(_))) {
            return;
        }
        let Some(one_of_many) = self.dial.shadow().begin() else {
            return;
        };
        let (dial, local) = (Arc::clone(&self.dial), local.clone());
        tokio::spawn(async move {
            let start = Instant::now();
            match ask::<C>(&peer, &cx, &request).await {
                Ok(remote @ (Ok(_) | Err(PortError::Rejected(_)))) => {
                    dial.measure(Kind::Call, Side::Remote, start.elapsed());
                    if remote == local {
                        dial.shadow().agreed();
                    } else {
                        let call = format!("{}.{}", C::MODULE, C::NAME);
                        let (local, remote) = (format!("{local:?}"), format!("{remote:?}"));
                        dial.shadow()
                            .differed(call, &cx.request_id, &local, &remote);
                    }
                }
                Ok(Err(PortError::Failed(_))) | Err(_) => dial.shadow().unanswered(),
            }
            drop(one_of_many);
        });
    }
}

fn begin<C: Call>(side: Side, cx: &CallContext) -> Span {
    let kind = match side {
        Side::Local => trace::Kind::Internal,
        Side::Remote => trace::Kind::Client,
    };
    let mut span = Span::begin(kind, cx.trace, format_args!("{}.{}", C::MODULE, C::NAME));
    span.set("cleave.module", C::MODULE);
    span.set("cleave.side", side.name());
    span
}

fn end<T, R>(span: &mut Span, answer: &PortResult<T, R>) {
    span.set("cleave.outcome", outcome(answer));
    if let Err(PortError::Failed(failure)) = answer {
        span.fail(failure);
    }
}

fn outcome<T, R>(answer: &PortResult<T, R>) -> &'static str {
    match answer {
        Ok(_) => "reply",
        Err(PortError::Rejected(_)) => "rejected",
        Err(PortError::Failed(Failure::Timeout)) => "timeout",
        Err(PortError::Failed(Failure::Unavailable)) => "unavailable",
        Err(PortError::Failed(Failure::Internal)) => "internal",
    }
}
