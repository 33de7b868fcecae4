//! Looking at everything that modules depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use platform::db::{self, DatabaseHealth, Status};
use platform::redis::Redis;
use ports_http::calls::version_of;
use ports_http::{Handshake, Hosted, Step};
use tokio::sync::Mutex;

use super::documents::{CacheHealth, Dependency, MediaHealth, ModuleHealth, PeerHealth, Told};
use crate::dials::Dials;
use crate::media::Media;
use crate::settings::{Mode, Module, Settings};
use crate::store::Store;

/// What the health routes look at; app data.
pub struct Health {
    modes: Vec<(Module, Mode)>,
    stores: Vec<Store>,
    dials: Arc<Dials>,
    /// Modules whose migrations are in; they stay in.
    migrated: Mutex<BTreeSet<Module>>,
    stopping: AtomicBool,
    databases: Kept<Databases>,
    peers: Kept<Peers>,
    told: Kept<Tales>,
    redis: Option<Redis>,
    cache: Kept<CacheHealth>,
    /// Where pictures are, when products is hosted.
    pictures: Option<Media>,
    media: Kept<Option<MediaHealth>>,
    /// By module, once they are known.
    identities: Mutex<BTreeMap<Module, String>>,
}

/// The last look, for whoever asks soon after.
type Kept<T> = Mutex<Option<(Instant, Arc<T>)>>;
type Databases = BTreeMap<Module, DatabaseHealth>;
/// Of the modules that are elsewhere, wholly or in part.
type Peers = BTreeMap<Module, PeerHealth>;

/// Of the modules that are not hosted here.
type Tales = BTreeMap<Module, Told>;

/// What everything that modules depend on said, at one moment.
pub(super) struct Look {
    pub(super) databases: Arc<Databases>,
    pub(super) peers: Arc<Peers>,
    pub(super) told: Arc<Tales>,
    pub(super) media: Arc<Option<MediaHealth>>,
}

/// How long a look is good for everybody who asks.
const LOOK_KEPT: Duration = Duration::from_millis(500);
/// Buckets charge for each look.
const LOOK_AT_MEDIA_KEPT: Duration = Duration::from_secs(10);

impl Health {
    pub fn new(
        settings: &Settings,
        stores: Vec<Store>,
        dials: Arc<Dials>,
        redis: Option<Redis>,
        pictures: Option<Media>,
    ) -> Arc<Self> {
        let mode = |module| (module, settings.modules.get(module).mode);
        Arc::new(Self {
            modes: Module::ALL.into_iter().map(mode).collect(),
            stores,
            dials,
            migrated: Mutex::default(),
            stopping: AtomicBool::new(false),
            databases: Mutex::default(),
            peers: Mutex::default(),
            told: Mutex::default(),
            redis,
            cache: Mutex::default(),
            pictures,
            media: Mutex::default(),
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

    /// `by_peer`: who asks is one itself. What peers say of their modules is then left out, or two
    /// that are each other's would ask without an end.
    pub(super) async fn look(&self, by_peer: bool) -> Look {
        let (databases, peers, told, media) = futures_util::join!(
            self.look_at_databases(),
            self.ask_peers(),
            async {
                match by_peer {
                    true => Arc::default(),
                    false => self.hear_peers().await,
                }
            },
            self.look_at_media()
        );
        Look {
            databases,
            peers,
            told,
            media,
        }
    }

    /// What the processes share is no part of a module's health: each does without it.
    pub(super) async fn look_at_cache(&self) -> CacheHealth {
        match &self.redis {
            Some(redis) => (*kept(&self.cache, LOOK_KEPT, CacheHealth::of(redis)).await).clone(),
            None => CacheHealth::IN_PROCESS,
        }
    }

    async fn look_at_databases(&self) -> Arc<Databases> {
        kept(&self.databases, LOOK_KEPT, async {
            let stores = self.stores.iter();
            let looks = stores.map(async |store| (store.module, db::health(&store.pool).await));
            join_all(looks).await.into_iter().collect()
        })
        .await
    }

    /// Never a part of readiness: products serves without pictures.
    async fn look_at_media(&self) -> Arc<Option<MediaHealth>> {
        kept(&self.media, LOOK_AT_MEDIA_KEPT, async {
            let looked = self.pictures.as_ref()?.look().await;
            let latency = looked.as_ref().ok();
            Some(MediaHealth {
                status: match looked {
                    Ok(_) => Status::Healthy,
                    Err(_) => Status::Unhealthy,
                },
                latency_ms: latency.map(|latency| latency.as_secs_f64() * 1000.0),
                error: looked.err().map(|reason| {
                    tracing::warn!(reason, "the media store does not serve");
                    "unavailable".to_owned()
                }),
            })
        })
        .await
    }

    /// Never a part of readiness: two processes that are each other's peers would wait for each
    /// other.
    async fn ask_peers(&self) -> Arc<Peers> {
        kept(&self.peers, LOOK_KEPT, async {
            let dials = self.dials.modules();
            let asked = dials
                .iter()
                .map(async |module| Some((*module, self.peer(*module).await?)));
            join_all(asked).await.into_iter().flatten().collect()
        })
        .await
    }

    async fn hear_peers(&self) -> Arc<Tales> {
        kept(&self.told, LOOK_KEPT, async {
            let hosted = |module: &Module| self.stores.iter().any(|of| of.module == *module);
            let dials = self.dials.modules().into_iter();
            let heard = dials
                .filter(|module| !hosted(module))
                .map(async |module| Some((module, self.told(module).await?)));
            join_all(heard).await.into_iter().flatten().collect()
        })
        .await
    }

    async fn told(&self, module: Module) -> Option<Told> {
        let told = self.dials.health(module).await?;
        Some(told.unwrap_or_else(|reason| {
            tracing::warn!(%module, %reason, "a peer does not say how it is");
            Told::nothing()
        }))
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
            error: answer.err().map(|reason| {
                // Addresses and reasons are not for the public; the log has them.
                tracing::warn!(%module, url = peer.url(), reason, "a peer is not ready");
                "not ready"
            }),
            whole: position.step == Step::Remote,
        })
    }

    /// A module is as healthy as its database, or as its peer when it is remote; and degraded when
    /// it needs one that is not healthy. Of one that is not hosted here, its peer knows.
    pub(super) fn module(&self, module: Module, look: &Look) -> Option<ModuleHealth> {
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
        let mut dependencies: BTreeMap<String, Dependency> = needs
            .iter()
            .filter_map(|needed| Some((needed.name().to_owned(), Dependency::of(*needed, look)?)))
            .collect();
        let media = (*look.media).clone();
        let media = media.filter(|_| module == Module::Products && database.is_some());
        let needed = dependencies.values().map(|d| d.status);
        let worst = needed.chain(media.iter().map(|media| media.status)).max();
        let status = match (own, worst) {
            (Status::Healthy, Some(Status::Degraded | Status::Unhealthy)) => Status::Degraded,
            (own, _) => own,
        };
        let (mut database, mut media, mut status) = (database.cloned(), media, status);
        if let Some(told) = look.told.get(&module).cloned() {
            status = status.max(told.status);
            (database, media) = (told.database, told.media);
            dependencies = told.dependencies;
        }
        Some(ModuleHealth {
            service: module.name(),
            mode: self.mode(module).name(),
            status,
            database,
            media,
            peer: look.peers.get(&module).cloned(),
            dependencies,
        })
    }

    /// What this process says of itself to others.
    pub async fn handshake(&self) -> Handshake {
        let mut modules = BTreeMap::new();
        for store in &self.stores {
            let not_ready = self.serves(store).await.err();
            let name = store.module.name();
            let hosted = Hosted {
                port_version: version_of(name).unwrap_or_default(),
                database: match not_ready {
                    None => self.identity(store).await,
                    Some(_) => None,
                },
                not_ready,
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

    pub(super) async fn ready(&self) -> Result<(), String> {
        self.is_not_stopping()?;
        for store in &self.stores {
            self.serves(store).await?;
        }
        Ok(())
    }

    /// One module may be ready while another is not.
    async fn serves(&self, store: &Store) -> Result<(), String> {
        self.is_not_stopping()?;
        let databases = self.look_at_databases().await;
        let database = databases.get(&store.module);
        if database.is_some_and(|database| database.status == Status::Unhealthy) {
            return Err(format!("the database of {} does not answer", store.module));
        }
        self.migrations_are_in(store).await
    }

    fn is_not_stopping(&self) -> Result<(), String> {
        match self.stopping.load(Ordering::Relaxed) {
            true => Err("this process is shutting down".to_owned()),
            false => Ok(()),
        }
    }

    async fn migrations_are_in(&self, store: &Store) -> Result<(), String> {
        let module = store.module;
        if self.migrated.lock().await.contains(&module) {
            return Ok(());
        }
        match store.missing().await {
            Ok(missing) if missing.is_empty() => {}
            Ok(_) => return Err(format!("the database of {module} is behind")),
            Err(_) => return Err(format!("the database of {module} does not answer")),
        }
        self.migrated.lock().await.insert(module);
        Ok(())
    }
}

/// Whoever asks while a look is under way waits for it, so that health checks cost the pools and the
/// peers the same however many there are.
async fn kept<T>(last: &Kept<T>, keep: Duration, look: impl Future<Output = T>) -> Arc<T> {
    let mut last = last.lock().await;
    if let Some((at, found)) = &*last
        && at.elapsed() < keep
    {
        return Arc::clone(found);
    }
    let found = Arc::new(look.await);
    *last = Some((Instant::now(), Arc::clone(&found)));
    found
}
