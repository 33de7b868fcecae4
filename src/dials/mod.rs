//! The dials of this process: one for each module that it hosts or knows where to find.

mod follow;
mod kept;
mod shared;
mod turn;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ports_http::{Dial, Fault, Handshake, Peer, PeerConfig, Position, ServiceTokens, Step};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::connections::common_redis;
use crate::settings::{Mode, Module, ModuleSettings, Secrets, Settings};
use kept::{Configured, Kept, KeptPosition};
use shared::Shared;

pub use turn::{Turn, TurnError};

/// How long a peer may take to say what it hosts; longer than it takes itself to find a database away.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(3);

pub struct Dials {
    of_modules: Vec<Placed>,
    tokens: Arc<ServiceTokens>,
    kept: Kept,
    /// Of replicas, where there is a Redis.
    shared: Option<Shared>,
    /// One turn at a time.
    turning: Mutex<()>,
}

/// A module's dial and what it was made from.
struct Placed {
    module: Module,
    dial: Arc<Dial>,
    peer_config: PeerConfig,
    configured: Configured,
}

impl Dials {
    /// Every dial stands where it was left, unless the settings have changed since.
    pub fn open(settings: &Settings, secrets: &Secrets) -> anyhow::Result<Arc<Self>> {
        let tokens = Arc::new(ServiceTokens::new(&secrets.internal));
        let kept = Kept::open(&settings.data_dir)?;
        let placement = Module::ALL.map(|module| Configured::of(settings.modules.get(module)));
        let placement = serde_json::to_vec(&placement)?;
        let shared =
            common_redis(settings)?.map(|redis| Shared::new(redis, &secrets.internal, &placement));
        let mut of_modules = Vec::new();
        for module in Module::ALL {
            let module_settings = settings.modules.get(module);
            if module_settings.mode != Mode::Off {
                of_modules.push(place(module, module_settings, &kept, &tokens)?);
            }
        }
        Ok(Arc::new(Self {
            of_modules,
            tokens,
            kept,
            shared,
            turning: Mutex::new(()),
        }))
    }

    /// Forgets the turns that the settings of this start overrule, so that they do not come back
    /// when the settings do.
    pub fn forget_overruled(&self) -> std::io::Result<()> {
        let configured = |module| Some(&self.placed(module)?.configured);
        self.kept
            .retain(|module, kept| configured(module) == Some(kept))
    }

    /// `None` for a module that is off.
    pub fn get(&self, module: Module) -> Option<&Arc<Dial>> {
        Some(&self.placed(module)?.dial)
    }

    /// The modules that are not off.
    pub fn modules(&self) -> Vec<Module> {
        self.of_modules.iter().map(|placed| placed.module).collect()
    }

    fn placed(&self, module: Module) -> Option<&Placed> {
        self.of_modules
            .iter()
            .find(|placed| placed.module == module)
    }

    pub fn tokens(&self) -> &Arc<ServiceTokens> {
        &self.tokens
    }

    /// Asks the peer of a module how that is.
    pub async fn health<T: DeserializeOwned>(&self, module: Module) -> Option<Result<T, Fault>> {
        let peer = self.get(module)?.position().peer.clone()?;
        Some(peer.health(HEALTH_PATIENCE).await)
    }

    /// Asks the peer of a module whether it can serve.
    pub async fn handshake(&self, module: Module) -> Option<Result<Handshake, String>> {
        let peer = self.get(module)?.position().peer.clone()?;
        Some(shake_hands(&peer).await)
    }
}

/// How long a peer may take to say how its module is; longer than it takes itself to ask its peers.
const HEALTH_PATIENCE: Duration = Duration::from_secs(4);

/// A peer that answers, hosts its module, speaks our version and can serve; or why not.
async fn shake_hands(peer: &Peer) -> Result<Handshake, String> {
    let handshake = peer.handshake(HANDSHAKE_PATIENCE).await;
    let handshake = handshake.map_err(|fault| fault.to_string())?;
    handshake.serves(peer.module())?;
    Ok(handshake)
}

fn place(
    module: Module,
    settings: &ModuleSettings,
    kept: &Kept,
    tokens: &Arc<ServiceTokens>,
) -> anyhow::Result<Placed> {
    let peer_config = PeerConfig {
        call_timeout: settings.call_timeout,
        call_retries: settings.call_retries,
        circuit_failures: settings.circuit_failures,
        circuit_open: settings.circuit_open,
        max_in_flight: settings.max_in_flight,
    };
    let peer = |url: &str| {
        let tokens = Arc::clone(tokens);
        let peer = Peer::new(module.name(), url, peer_config.clone(), tokens).map(Arc::new);
        peer.with_context(|| format!("modules.{module}.url"))
    };
    let url = settings.url.as_ref().map(|url| url.expose_secret());
    let configured = Configured::of(settings);
    let hosted = settings.mode == Mode::Local;
    let position = match (kept.of(module, &configured), url) {
        (Some(kept), _) => restored(hosted, kept, peer)?,
        (None, Some(url)) if hosted => Position::local(Some(peer(url)?)),
        (None, Some(url)) => Position::remote(peer(url)?),
        (None, None) => Position::local(None),
    };
    Ok(Placed {
        module,
        dial: Arc::new(Dial::new(module.name(), hosted, position)),
        peer_config,
        configured,
    })
}

fn restored(
    hosted: bool,
    kept: &KeptPosition,
    peer: impl Fn(&str) -> anyhow::Result<Arc<Peer>>,
) -> anyhow::Result<Position> {
    let peer = kept.url.as_deref().map(peer).transpose()?;
    let step = if hosted { kept.step } else { Step::Remote };
    Ok(Position {
        step: if peer.is_some() { step } else { Step::Local },
        percent: kept.percent,
        peer,
    })
}

impl Configured {
    fn of(settings: &ModuleSettings) -> Self {
        let url = settings.url.as_ref();
        Self {
            mode: settings.mode.name().to_owned(),
            url: url.map(|url| url.expose_secret().to_owned()),
        }
    }
}

impl Mode {
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Local => "local",
            Mode::Remote => "remote",
            Mode::Off => "off",
        }
    }
}

/// Where a data folder keeps its dials.
pub fn file_in(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("dial.json")
}
