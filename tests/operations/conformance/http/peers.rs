use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use ports::users::{AccountRejection, Address, AddressRejection, AddressRequest};
use ports::{CallContext, Failure, PortError, PortResult, Products};
use tokio::net::{TcpListener, TcpStream};
use trace::Context;

use super::*;
use crate::conformance::bench::{Answered, Bench, Fault, Server, Way, World, answered, cx, within};
use crate::conformance::products::FakeProducts;
use crate::conformance::users::FakeUsers;
use crate::support::eventually;

async fn all<P: Tested + ?Sized>(port: &P, cx: &CallContext, expected: Answered) {
    for (call, answered) in port.each_call(cx).await {
        assert_eq!(answered, expected, "{}.{call}", P::MODULE);
    }
}

async fn is_unavailable_when_it_dies<W: World>() {
    let bench = Bench::<W>::open(Way::Http).await;
    all(&*bench.port, &cx(), Ok(())).await;
    let Bench { port, server, .. } = bench;
    server.unwrap().die(&*port).await;
    all(&*port, &cx(), Err(Failure::Unavailable)).await;
}

impl Server {
    /// Its threads end in their own time.
    async fn die<P: Tested + ?Sized>(self, port: &P) {
        let address = self.address;
        self.stop().await;
        eventually("the peer is dead", async || {
            let answers = port.each_call(&cx()).await;
            let answered = answers.iter().any(|(_, answered)| answered.is_ok());
            !answered && TcpStream::connect(address).await.is_err()
        })
        .await;
    }
}

#[tokio::test]
async fn a_peer_that_dies_is_unavailable() {
    is_unavailable_when_it_dies::<Arc<FakeUsers>>().await;
    is_unavailable_when_it_dies::<Arc<FakeProducts>>().await;
}

#[tokio::test]
async fn a_peer_that_takes_calls_and_says_nothing_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let budget = within(Duration::from_millis(300));
    all(
        &*remote::<dyn Users>(&url, PATIENT),
        &budget,
        Err(Failure::Timeout),
    )
    .await;
    // Its own patience ends a call too, long before the caller's.
    let hasty = PeerConfig {
        call_timeout: Duration::from_millis(50),
        ..PATIENT
    };
    let start = Instant::now();
    all(
        &*remote::<dyn Products>(&url, hasty),
        &cx(),
        Err(Failure::Timeout),
    )
    .await;
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_peer_that_comes_back_is_asked_again() {
    let fake = Arc::<FakeUsers>::open().await;
    let server = Server::start(fake.port());
    let (address, url) = (server.address.to_string(), server.url());
    let config = PeerConfig {
        circuit_failures: 2,
        circuit_open: Duration::from_millis(200),
        ..PATIENT
    };
    let peer = peer_at::<dyn Users>(&url, config);
    let port = <dyn Users>::remote(Remote::new(Arc::clone(&peer)));
    all(&*port, &cx(), Ok(())).await;
    server.die(&*port).await;
    eventually("the circuit opens", async || {
        all(&*port, &cx(), Err(Failure::Unavailable)).await;
        peer.circuit().state() == "open"
    })
    .await;
    let local = fake.port();
    let server = Server::bind(&address, move |cfg| Arc::clone(&local).routes(cfg));
    eventually("the peer is asked again", async || {
        port.each_call(&cx()).await[0].1.is_ok()
    })
    .await;
    assert_eq!(peer.circuit().state(), "closed");
    server.stop().await;
}

#[tokio::test]
async fn a_slow_peer_keeps_no_more_callers_than_it_may() {
    let fake = Arc::<FakeUsers>::open().await;
    let server = Server::start(fake.port());
    let config = PeerConfig {
        max_in_flight: 3,
        ..PATIENT
    };
    let port: Arc<dyn Users> = remote(&server.url(), config);
    fake.suffer(Fault::Stalled).await;
    let context = cx();
    let call = async || answered(port.account(context.clone(), about_ada()).await);
    let waiting = join_all((0..3).map(|_| call()));
    let one_more = async {
        fake.waiting(3).await;
        all(&*port, &cx(), Err(Failure::Unavailable)).await;
        fake.recover().await;
    };
    let (answers, ()) = tokio::join!(waiting, one_more);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    all(&*port, &cx(), Ok(())).await;
    server.stop().await;
}

/// Remembers what a call came with.
#[derive(Default)]
struct Spy(Mutex<Option<CallContext>>);

#[async_trait]
impl Users for Spy {
    async fn account(
        &self,
        cx: CallContext,
        _: AccountRequest,
    ) -> PortResult<Account, AccountRejection> {
        *self.0.lock().unwrap() = Some(cx);
        Ok(ADA)
    }

    async fn address(
        &self,
        _: CallContext,
        _: AddressRequest,
    ) -> PortResult<Address, AddressRejection> {
        Err(PortError::Rejected(AddressRejection::UnknownAddress))
    }
}

#[tokio::test]
async fn what_travels_with_a_call_arrives() {
    let spy = Arc::new(Spy::default());
    let server = Server::start(Arc::clone(&spy) as Arc<dyn Users>);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (caller, trace) in [(None, None), (Some(ADA.user_id), Context::parse(trace))] {
        let sent = CallContext {
            deadline: Instant::now() + Duration::from_secs(15),
            request_id: "a-request".to_owned(),
            caller,
            trace,
        };
        let port = users_at(&server.url());
        assert_eq!(port.account(sent.clone(), about_ada()).await, Ok(ADA));
        let got = spy.0.lock().unwrap().take().unwrap();
        assert_eq!(got.request_id, sent.request_id);
        assert_eq!(got.caller, sent.caller);
        assert_eq!(got.trace, sent.trace);
        // The clocks of this test are one; on the way there the budget only shrinks.
        assert!(got.deadline <= sent.deadline + Duration::from_millis(100));
        assert!(got.deadline + Duration::from_secs(5) > sent.deadline);
    }
    server.stop().await;
}
