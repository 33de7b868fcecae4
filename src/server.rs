//! The public listener: what every request passes on its way to a handler and back.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpRequest, HttpServer, web};
use platform::Problem;
use platform::body::BodyLimit;
use platform::client::TrustedProxies;
use platform::edge::{Edge, X_REQUEST_ID, edge};
use tokio::net::TcpSocket;
use tokio_util::task::TaskTracker;
use tracing_actix_web::TracingLogger;
use utoipa_actix_web::{AppExt, scope};

use crate::docs;
use crate::fallback::KnownPaths;
use crate::health::{self, Health};
use crate::limits::{RequestLimit, limit_requests};
use crate::openapi::{self, BASE_PATH};
use crate::settings::{Network, Settings};
use crate::telemetry::RequestSpan;
use crate::wiring::Shop;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const BACKLOG: u32 = 2048;
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Handlers that read a body of any length.
const UNBOUNDED: [&str; 1] = ["/api/v1/products/import"];

/// A bound listener and what is needed to stop it in good order.
pub struct Bound {
    pub server: Server,
    pub address: SocketAddr,
    /// The requests under way.
    pub requests: TaskTracker,
    pub door: Door,
}

/// The listening socket, to be closed before the workers stop.
pub struct Door(TcpListener);

impl Door {
    /// From now on connections are refused; those that are there go on.
    pub fn close(self) {
        let socket = TcpStream::from(OwnedFd::from(self.0));
        if let Err(error) = socket.shutdown(Shutdown::Both) {
            // Where a listener cannot be shut down, callers wait in its queue instead.
            tracing::debug!(%error, "the listener stays open until the end");
        }
    }
}

/// Binds the public listener; the caller runs the server. Port 0 takes a free one, which is told.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(settings: &Settings, shop: Shop, health: Arc<Health>) -> std::io::Result<Bound> {
    let listener = listen(settings.server.public)?;
    let address = listener.local_addr()?;
    let door = Door(listener.try_clone()?);
    let requests = TaskTracker::new();
    let at_the_edge = Arc::new(Edge {
        deadline: settings.server.request_deadline,
        unbounded: UNBOUNDED.to_vec(),
        trusted_proxies: trusted_proxies(&settings.server.trusted_proxies),
        requests: requests.clone(),
    });
    let request_limit = RequestLimit::new(settings.limits.requests_per_second);
    let body_limit = BodyLimit(settings.limits.body_bytes.map_or(0, |bytes| bytes.get()));
    let cors_origins = settings.server.cors_origins.clone();

    let server = HttpServer::new(move || {
        let (app, document) = App::new()
            .into_utoipa_app()
            .openapi(openapi::base())
            .app_data(body_limit)
            .app_data(web::Data::from(Arc::clone(&health)))
            .app_data(path_config())
            .configure(health::routes)
            .configure(docs::document_route)
            .service(scope(BASE_PATH).configure(|cfg| shop.routes(cfg)))
            .split_for_parts();
        let document = openapi::finish(document);
        let known = KnownPaths::of(&document).and_read_only(&docs::PAGE_PATHS);
        let (at_the_edge, request_limit) = (Arc::clone(&at_the_edge), Arc::clone(&request_limit));
        app.configure(|cfg| docs::serve(cfg, &document))
            .default_service(web::to(move |request: HttpRequest| {
                let refusal = known.refuse(request.path());
                async move { Err::<web::Bytes, Problem>(refusal) }
            }))
            .wrap(Compress::default())
            .wrap(from_fn(move |req, next| {
                limit_requests(Arc::clone(&request_limit), req, next)
            }))
            .wrap(cors(&cors_origins))
            .wrap(TracingLogger::<RequestSpan>::new())
            .wrap(from_fn(move |req, next| {
                edge(Arc::clone(&at_the_edge), req, next)
            }))
    })
    .workers(settings.server.workers)
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    // By then every request has had its grace; what is left is to send answers.
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?;
    Ok(Bound {
        server: server.run(),
        address,
        requests,
        door,
    })
}

/// Many clients may come at once; std's own queue is short.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

fn trusted_proxies(networks: &[Network]) -> TrustedProxies {
    let networks = networks.to_vec();
    TrustedProxies::new(move |ip| networks.iter().any(|network| network.contains(ip)))
}

/// A malformed id names nothing.
fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|_, _| Problem::not_found("resource").into())
}

/// Denies foreign origins unless they are configured.
fn cors(origins: &[String]) -> Cors {
    let mut cors = Cors::default();
    for origin in origins {
        cors = match origin.as_str() {
            "*" => cors.allow_any_origin(),
            origin => cors.allowed_origin(origin),
        };
    }
    if origins.is_empty() {
        return cors.block_on_origin_mismatch(false);
    }
    cors.allow_any_method()
        .allow_any_header()
        .expose_headers([
            header::LOCATION,
            header::ETAG,
            header::RETRY_AFTER,
            X_REQUEST_ID,
            IDEMPOTENT_REPLAYED,
        ])
        .max_age(3600)
}
