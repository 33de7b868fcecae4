//! Health for load balancers and operators: does the process answer, can it serve, what is wrong.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, get, web};
use futures_util::future::join_all;
use platform::Problem;
use platform::db::{self, DatabaseHealth, Status};
use platform::problem::ProblemDocument;
use ports_http::calls::version_of;
use ports_http::{Handshake, Hosted, Step};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::dials::Dials;
use crate::settings::{Mode, Module, Settings};
use crate::wiring::Store;

/// What the health routes look at; app data.
pub struct Health {
    modes: Vec<(Module, Mode)>,
    stores: Vec<Store>,
    dials: Arc<Dials>,
    migrated: AtomicBool,
    stopping: AtomicBool,
    databases: Kept<Databases>,
    peers: Kept<Peers>,
    /// By module, once they are known.
    identities: Mutex<BTreeMap<Module, String>>,
}

/// The last look, for whoever asks soon after.
type Kept<T> = Mutex<Option<(Instant, Arc<T>)>>;
type Databases = BTreeMap<Module, DatabaseHealth>;
/// Of the modules that are elsewhere, wholly or in part.
type Peers = BTreeMap<Module, PeerHealth>;

/// What everything that modules depend on said, at one moment.
struct Look {
    databases: Arc<Databases>,
    peers: Arc<Peers>,
}

/// How long a look is good for everybody who asks.
const LOOK_KEPT: Duration = Duration::from_millis(500);

impl Health {
    pub fn new(settings: &Settings, stores: Vec<Store>, dials: Arc<Dials>) -> Arc<Self> {
        let mode = |module| (module, settings.modules.get(module).mode);
        Arc::new(Self {
            modes: Module::ALL.into_iter().map(mode).collect(),
            stores,
            dials,
            migrated: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            databases: Mutex::default(),
            peers: Mutex::default(),
            identities: Mutex::default(),
        })
    }

    /// From now on not ready, so that no new traffic is sent here.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn mode(&self, module: Module) -> Mode {
        let found = self.modes.iter().find(|(of, _)| *of == module);
        found.map_or(Mode::Off, |(_, mode)| *mode)
    }

    async fn look(&self) -> Look {
        let (databases, peers) = futures_util::join!(self.look_at_databases(), self.ask_peers());
        Look { databases, peers }
    }

    async fn look_at_databases(&self) -> Arc<Databases> {
        kept(&self.databases, async {
            let stores = self.stores.iter();
            let looks = stores.map(async |store| (store.module, db::health(&store.pool).await));
            join_all(looks).await.into_iter().collect()
        })
        .await
    }

    /// Never a part of readiness: two processes that are each other's peers would wait for each
    /// other.
    async fn ask_peers(&self) -> Arc<Peers> {
        kept(&self.peers, async {
            let dials = self.dials.modules();
            let asked = dials
                .iter()
                .map(async |module| Some((*module, self.peer(*module).await?)));
            join_all(asked).await.into_iter().flatten().collect()
        })
        .await
    }

    /// Whether a module can be asked at its peer, when calls go there.
    async fn peer(&self, module: Module) -> Option<PeerHealth> {
        let position = self.dials.get(module)?.position();
        let peer = position.peer.as_ref()?;
        if position.step == Step::Local {
            return None;
        }
        let start = Instant::now();
        let answer = self.dials.handshake(module).await?;
        let latency_ms = answer
            .is_ok()
            .then(|| start.elapsed().as_secs_f64() * 1000.0);
        Some(PeerHealth {
            status: match answer {
                Ok(_) => Status::Healthy,
                Err(_) => Status::Unhealthy,
            },
            latency_ms,
            circuit: peer.circuit().state(),
            error: answer.err(),
            whole: position.step == Step::Remote,
        })
    }

    /// A module is as healthy as its database, or as its peer when it is remote; and degraded when
    /// it needs one that is not healthy.
    fn module(&self, module: Module, look: &Look) -> Option<ModuleHealth> {
        let peer = look.peers.get(&module).filter(|peer| peer.whole);
        let database = look.databases.get(&module);
        let own = match (peer, database) {
            (Some(peer), _) => peer.status,
            (None, Some(database)) => database.status,
            (None, None) => return None,
        };
        let needs = if database.is_some() {
            module.needs()
        } else {
            &[]
        };
        let dependencies: BTreeMap<&'static str, Dependency> = needs
            .iter()
            .filter_map(|needed| Some((needed.name(), Dependency::of(*needed, look)?)))
            .collect();
        let worst = dependencies.values().map(|d| d.status).max();
        let status = match (own, worst) {
            (Status::Healthy, Some(Status::Degraded | Status::Unhealthy)) => Status::Degraded,
            (own, _) => own,
        };
        Some(ModuleHealth {
            service: module.name(),
            mode: self.mode(module).name(),
            status,
            database: database.cloned(),
            peer: look.peers.get(&module).cloned(),
            dependencies,
        })
    }

    /// What this process says of itself to others.
    pub async fn handshake(&self) -> Handshake {
        let not_ready = self.ready().await.err();
        let mut modules = BTreeMap::new();
        for store in &self.stores {
            let name = store.module.name();
            let hosted = Hosted {
                port_version: version_of(name).unwrap_or_default(),
                database: match not_ready {
                    None => self.identity(store).await,
                    Some(_) => None,
                },
                not_ready: not_ready.clone(),
            };
            modules.insert(name.to_owned(), hosted);
        }
        Handshake {
            service: "cleave".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            modules,
        }
    }

    /// It does not change, and is asked for once.
    async fn identity(&self, store: &Store) -> Option<String> {
        let mut known = self.identities.lock().await;
        if let Some(identity) = known.get(&store.module) {
            return Some(identity.clone());
        }
        let identity = store.identity().await?;
        known.insert(store.module, identity.clone());
        Some(identity)
    }

    async fn ready(&self) -> Result<(), String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err("this process is shutting down".to_owned());
        }
        for (module, database) in &*self.look_at_databases().await {
            if database.status == Status::Unhealthy {
                return Err(format!("the database of {module} does not answer"));
            }
        }
        self.migrations_are_in().await
    }

    /// Once in, migrations stay in; the question is asked until then.
    async fn migrations_are_in(&self) -> Result<(), String> {
        if self.migrated.load(Ordering::Relaxed) {
            return Ok(());
        }
        for store in &self.stores {
            match store.missing().await {
                Ok(missing) if missing.is_empty() => {}
                Ok(_) => return Err(format!("the database of {} is behind", store.module)),
                Err(_) => return Err(format!("the database of {} does not answer", store.module)),
            }
        }
        self.migrated.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Whoever asks while a look is under way waits for it, so that health checks cost the pools and the
/// peers the same however many there are.
async fn kept<T>(last: &Kept<T>, look: impl Future<Output = T>) -> Arc<T> {
    let mut last = last.lock().await;
    if let Some((at, found)) = &*last
        && at.elapsed() < LOOK_KEPT
    {
        return Arc::clone(found);
    }
    let found = Arc::new(look.await);
    *last = Some((Instant::now(), Arc::clone(&found)));
    found
}

#[derive(Serialize, ToSchema)]
pub struct ProcessHealth {
    #[schema(example = "cleave")]
    service: &'static str,
    version: &'static str,
    status: Status,
    /// By name, those that are hosted here and those whose peer is known.
    modules: BTreeMap<&'static str, ModuleHealth>,
    cache: CacheHealth,
}

#[derive(Serialize, ToSchema)]
pub struct ModuleHealth {
    #[schema(example = "orders")]
    service: &'static str,
    #[schema(example = "local")]
    mode: &'static str,
    status: Status,
    /// Of a module in this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<DatabaseHealth>,
    /// Of a module whose calls go elsewhere, wholly or in part.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<PeerHealth>,
    /// The modules that this one asks, by name.
    dependencies: BTreeMap<&'static str, Dependency>,
}

/// The process that answers for a module.
#[derive(Clone, Serialize, ToSchema)]
pub struct PeerHealth {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
    #[schema(example = "closed")]
    circuit: &'static str,
    /// Why it cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Every call goes there.
    #[serde(skip)]
    whole: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Dependency {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
    /// `closed` lets calls through, `open` does not, `half_open` tries; a module in the same process
    /// is always `closed`.
    #[schema(example = "closed")]
    circuit: &'static str,
}

impl Dependency {
    fn of(module: Module, look: &Look) -> Option<Self> {
        if let Some(peer) = look.peers.get(&module).filter(|peer| peer.whole) {
            return Some(Self {
                status: peer.status,
                latency_ms: peer.latency_ms,
                circuit: peer.circuit,
            });
        }
        let database = look.databases.get(&module)?;
        Some(Self {
            status: database.status,
            latency_ms: database.latency_ms,
            circuit: "closed",
        })
    }
}

/// That it is so, in a word.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthWord)]
pub struct Word {
    status: Status,
}

impl Word {
    const HEALTHY: Self = Self {
        status: Status::Healthy,
    };
}

#[derive(Serialize, ToSchema)]
pub struct CacheHealth {
    #[schema(example = "in_process")]
    kind: &'static str,
    status: Status,
}

/// Unhealthy modules are 503 of themselves; of the process only when none is left.
fn process_status(modules: &BTreeMap<&'static str, ModuleHealth>) -> Status {
    let statuses = || modules.values().map(|module| module.status);
    if statuses().all(|status| status == Status::Unhealthy) && !modules.is_empty() {
        return Status::Unhealthy;
    }
    match statuses().max() {
        None | Some(Status::Healthy) => Status::Healthy,
        Some(_) => Status::Degraded,
    }
}

fn answer(status: Status, document: impl Serialize) -> HttpResponse {
    let code = match status {
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        Status::Healthy | Status::Degraded => StatusCode::OK,
    };
    HttpResponse::build(code)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(document)
}

pub fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(process)
        .service(live)
        .service(ready)
        .service(of_module);
}

/// The process and its modules
#[utoipa::path(
    tag = "health",
    operation_id = "get_health",
    responses(
        (status = 200, description = "Healthy or degraded", body = ProcessHealth),
        (status = 503, description = "Unhealthy", body = ProcessHealth),
    ),
)]
#[get("/health")]
async fn process(health: web::Data<Health>) -> HttpResponse {
    let look = health.look().await;
    let modules: BTreeMap<_, _> = Module::ALL
        .into_iter()
        .filter_map(|module| Some((module.name(), health.module(module, &look)?)))
        .collect();
    let document = ProcessHealth {
        service: "cleave",
        version: env!("CARGO_PKG_VERSION"),
        status: process_status(&modules),
        modules,
        cache: CacheHealth {
            kind: "in_process",
            status: Status::Healthy,
        },
    };
    answer(document.status, document)
}

/// The process answers
#[utoipa::path(
    tag = "health",
    operation_id = "is_alive",
    responses((status = 200, description = "It answers", body = Word)),
)]
#[get("/health/live")]
async fn live() -> HttpResponse {
    answer(Status::Healthy, Word::HEALTHY)
}

/// Every hosted module can serve
#[utoipa::path(
    tag = "health",
    operation_id = "is_ready",
    responses(
        (status = 200, description = "Ready", body = Word),
        (status = 503, description = "`not_ready`, and why", body = ProblemDocument),
    ),
)]
#[get("/health/ready")]
async fn ready(health: web::Data<Health>) -> Result<HttpResponse, Problem> {
    match health.ready().await {
        Ok(()) => Ok(answer(Status::Healthy, Word::HEALTHY)),
        Err(reason) => Err(
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", reason)
                .with_header(header::RETRY_AFTER, "1"),
        ),
    }
}

/// One module, its database and the modules it asks
#[utoipa::path(
    tag = "health",
    operation_id = "get_module_health",
    params(("module" = String, Path, description = "`users`, `products` or `orders`")),
    responses(
        (status = 200, description = "Healthy or degraded", body = ModuleHealth),
        (status = 404, description = "Neither hosted here nor at a peer", body = ProblemDocument),
        (status = 503, description = "Unhealthy", body = ModuleHealth),
    ),
)]
#[get("/health/{module}")]
async fn of_module(
    health: web::Data<Health>,
    module: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let named = Module::ALL
        .into_iter()
        .find(|known| known.name() == *module);
    let module = named.ok_or_else(|| Problem::not_found("module"))?;
    let look = health.look().await;
    let document = health
        .module(module, &look)
        .ok_or_else(|| Problem::not_found("module in this process"))?;
    Ok(answer(document.status, document))
}
