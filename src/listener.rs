//! A listening server, from its socket to its end.

use std::fmt::Debug;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServerHandle, Service, ServiceFactory};
use actix_web::{Error, HttpServer};
use anyhow::Context;
use rustls::ServerConfig;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::telemetry;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// And before it, to agree on a key.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Of each worker. Clients that are silent in their handshake keep nobody out before they are as many
/// as would without TLS.
const CONNECTIONS: usize = 25_000;
const BACKLOG: u32 = 2048;
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Requests on connections that were just accepted have yet to be read, and to be counted.
const QUIET: Duration = Duration::from_millis(50);

/// An address that is taken, and not yet served. Port 0 took a free one, which is told.
pub struct Socket {
    pub address: SocketAddr,
    listener: TcpListener,
    door: Door,
}

impl Socket {
    /// `setting` names the address in errors. Many clients may come at once; std's own queue is
    /// short.
    pub fn bind(setting: &str, address: SocketAddr) -> anyhow::Result<Self> {
        let bind = || {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let listener = socket.listen(BACKLOG)?.into_std()?;
            Ok(Self {
                address: listener.local_addr()?,
                door: Door(listener.try_clone()?),
                listener,
            })
        };
        bind().map_err(|error: std::io::Error| {
            anyhow::Error::new(error).context(format!("{setting}: cannot listen on {address}"))
        })
    }
}

/// The listening socket, to be closed before the workers stop.
struct Door(TcpListener);

impl Door {
    /// From now on connections are refused; those that are there go on.
    fn close(&self) {
        let Ok(socket) = self.0.try_clone() else {
            return;
        };
        // The server's accept thread finds out by failing.
        telemetry::expect_accept_errors();
        let socket = TcpStream::from(OwnedFd::from(socket));
        if let Err(error) = socket.shutdown(Shutdown::Both) {
            // Where a listener cannot be shut down, callers wait in its queue instead.
            tracing::debug!(%error, "the listener stays open until the end");
        }
    }
}

/// A server that runs.
pub struct Listener {
    pub address: SocketAddr,
    handle: ServerHandle,
    /// The requests under way.
    requests: TaskTracker,
    door: Door,
    ended: JoinHandle<std::io::Result<()>>,
}

impl Listener {
    /// Speaks HTTPS where there is a `tls`. `requests` counts those under way; see
    /// [`platform::edge::Edge`].
    pub fn start<F, A, S, B>(
        socket: Socket,
        tls: Option<ServerConfig>,
        workers: usize,
        requests: TaskTracker,
        app: F,
    ) -> std::io::Result<Self>
    where
        F: Fn() -> A + Send + Clone + 'static,
        A: actix_service::IntoServiceFactory<S, actix_http::Request>,
        S: ServiceFactory<actix_http::Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: Debug,
        S::Response: Into<actix_http::Response<B>> + 'static,
        <S::Service as Service<actix_http::Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        let server = HttpServer::new(app)
            .workers(workers)
            .client_request_timeout(HEAD_TIMEOUT)
            .keep_alive(KEEP_ALIVE)
            .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
            .max_connections(CONNECTIONS)
            .max_connection_rate(CONNECTIONS)
            // By then every request has had its grace; what is left is to send answers.
            .shutdown_timeout(1)
            .disable_signals();
        let server = match tls {
            None => server.listen(socket.listener)?,
            Some(tls) => server.listen_rustls_0_23(socket.listener, tls)?,
        };
        let server = server.run();
        Ok(Self {
            address: socket.address,
            handle: server.handle(),
            requests,
            door: socket.door,
            ended: tokio::spawn(server),
        })
    }

    /// Resolves when it ends by itself, which it should not.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        (&mut self.ended)
            .await
            .context("the server ended abnormally")?
            .context("the server failed")
    }

    /// Refuses connections and waits for the requests under way.
    pub async fn drain(&self) {
        // Closed while it is still accepted from: whoever waits in its queue then is cut off.
        self.door.close();
        // Otherwise it would be tried again, twice a second.
        self.handle.pause().await;
        self.requests.close();
        while !self.requests.is_empty() {
            self.requests.wait().await;
            tokio::time::sleep(QUIET).await;
        }
    }

    /// Ends the workers.
    pub async fn stop(&self) {
        self.handle.stop(true).await;
    }
}
