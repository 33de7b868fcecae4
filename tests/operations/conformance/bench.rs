use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use ports::{CallContext, Failure, PortError, PortResult};
use ports_http::{Dial, Peer, PeerConfig, Port, Position, Remote, ServiceTokens, Step, Switch};
use secrecy::SecretString;

/// What a module suffers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Calls are taken in and not answered.
    Stalled,
    /// Its database is away, and calls that wait for it are cut off.
    Away,
}

/// One that answers a port, and what a suite does to it besides calling it.
pub trait World: Sized {
    type Port: Tested + ?Sized;

    async fn open() -> Self;
    fn port(&self) -> Arc<Self::Port>;
    async fn suffer(&self, fault: Fault);
    /// Returns when so many calls wait for a stalled module.
    async fn waiting(&self, calls: usize);
    async fn recover(&self);
}

/// How calls come to whoever answers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Direct,
    Http,
    /// By turns direct and over HTTP.
    Canary,
    /// Direct; reads are asked over HTTP as well.
    Shadow,
}

/// A port under test.
pub struct Bench<W: World> {
    pub world: W,
    pub port: Arc<W::Port>,
    pub server: Option<Server>,
}

impl<W: World> Bench<W> {
    pub async fn open(way: Way) -> Self {
        let world = W::open().await;
        let local = world.port();
        if way == Way::Direct {
            let (port, server) = (local, None);
            return Self {
                world,
                port,
                server,
            };
        }
        let server = Server::start(world.port());
        let peer = peer_at::<W::Port>(&server.url(), PATIENT);
        let step = match way {
            Way::Canary => Step::Canary,
            Way::Shadow => Step::Shadow,
            Way::Direct | Way::Http => Step::Remote,
        };
        let port = match way {
            Way::Http => W::Port::remote(Remote::new(peer)),
            _ => {
                let percent = if way == Way::Canary { 50 } else { 100 };
                let peer = Some(peer);
                let position = Position {
                    step,
                    percent,
                    peer,
                };
                let dial = Dial::new(W::Port::MODULE, true, position);
                W::Port::switch(Switch::new(Some(local), Arc::new(dial)))
            }
        };
        let server = Some(server);
        Self {
            world,
            port,
            server,
        }
    }

    pub async fn close(self) {
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

/// A call by nobody in particular, with time to spare.
pub fn cx() -> CallContext {
    within(Duration::from_secs(20))
}

pub fn within(budget: Duration) -> CallContext {
    CallContext::system("conformance", budget)
}

/// A port, in whatever way it is answered.
pub trait Tested: Port {
    /// How many there are.
    const CALLS: usize;

    fn remote(remote: Remote) -> Arc<Self>;
    fn switch(switch: Switch<Self>) -> Arc<Self>;
    /// Makes each call once, all at the same time.
    async fn each_call(&self, cx: &CallContext) -> Vec<(&'static str, Answered)>;
}

/// Whether a call was answered, with a rejection or a reply.
pub type Answered = Result<(), Failure>;

pub fn answered<T, R>(answer: PortResult<T, R>) -> Answered {
    match answer {
        Ok(_) | Err(PortError::Rejected(_)) => Ok(()),
        Err(PortError::Failed(failure)) => Err(failure),
    }
}

/// As in the settings, but the circuit stays closed: what the module says is what is told.
pub const PATIENT: PeerConfig = PeerConfig {
    call_timeout: Duration::from_secs(20),
    call_retries: 2,
    circuit_failures: 10_000,
    circuit_open: Duration::from_secs(1),
    max_in_flight: 256,
};

/// The server's end of a port, on a socket of its own.
pub struct Server {
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    pub fn start<P: Port + ?Sized>(port: Arc<P>) -> Self {
        Self::bind("127.0.0.1:0", move |cfg| Arc::clone(&port).routes(cfg))
    }

    pub fn bind(
        address: &str,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Self {
        let server = HttpServer::new(move || App::new().configure(routes.clone()));
        let server = server.workers(1).disable_signals();
        let server = server.bind(address).unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, handle }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Without waiting for anybody.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

pub fn peer_at<P: Port + ?Sized>(url: &str, config: PeerConfig) -> Arc<Peer> {
    let secret = SecretString::from("the secret that processes of one shop share");
    let tokens = Arc::new(ServiceTokens::new(&secret));
    Arc::new(Peer::new(P::MODULE, url, config, tokens).unwrap())
}
