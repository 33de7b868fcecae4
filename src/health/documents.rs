//! What the health routes answer.

use std::collections::BTreeMap;

use platform::db::{DatabaseHealth, Status};
use platform::redis::Redis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::look::Look;
use crate::settings::Module;

#[derive(Serialize, ToSchema)]
pub struct ProcessHealth {
    #[schema(example = "cleave")]
    pub(super) service: &'static str,
    pub(super) version: &'static str,
    pub(super) status: Status,
    /// By name, those that are hosted here and those whose peer is known.
    pub(super) modules: BTreeMap<&'static str, ModuleHealth>,
    pub(super) cache: CacheHealth,
}

#[derive(Serialize, ToSchema)]
pub struct ModuleHealth {
    #[schema(example = "orders")]
    pub(super) service: &'static str,
    #[schema(example = "local")]
    pub(super) mode: &'static str,
    pub(super) status: Status,
    /// Of a module that is elsewhere, as its peer sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database: Option<DatabaseHealth>,
    /// Of products: where the bytes of pictures are. The rest serves without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media: Option<MediaHealth>,
    /// Of a module whose calls go elsewhere, wholly or in part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) peer: Option<PeerHealth>,
    /// The modules that this one asks, by name.
    pub(super) dependencies: BTreeMap<String, Dependency>,
}

/// A [`ModuleHealth`] as the peer of a module that is not hosted here tells it.
#[derive(Clone, Deserialize)]
pub struct Told {
    pub(super) status: Status,
    pub(super) database: Option<DatabaseHealth>,
    pub(super) media: Option<MediaHealth>,
    pub(super) dependencies: BTreeMap<String, Dependency>,
}

impl Told {
    /// Of a peer that does not say.
    pub(super) fn nothing() -> Self {
        Self {
            status: Status::Degraded,
            database: Some(DatabaseHealth {
                status: Status::Unhealthy,
                latency_ms: None,
                error: Some("unavailable".to_owned()),
            }),
            media: None,
            dependencies: BTreeMap::new(),
        }
    }
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct MediaHealth {
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latency_ms: Option<f64>,
    /// In a word; the log has the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// The process that answers for a module.
#[derive(Clone, Serialize, ToSchema)]
pub struct PeerHealth {
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latency_ms: Option<f64>,
    #[schema(example = "closed")]
    pub(super) circuit: &'static str,
    /// In a word; the log has the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'static str>,
    /// Every call goes there.
    #[serde(skip)]
    pub(super) whole: bool,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latency_ms: Option<f64>,
    /// `closed` lets calls through, `open` does not, `half_open` tries; a module in the same process
    /// is always `closed`.
    #[schema(example = "closed")]
    pub(super) circuit: String,
}

impl Dependency {
    pub(super) fn of(module: Module, look: &Look) -> Option<Self> {
        if let Some(peer) = look.peers.get(&module).filter(|peer| peer.whole) {
            return Some(Self {
                status: peer.status,
                latency_ms: peer.latency_ms,
                circuit: peer.circuit.to_owned(),
            });
        }
        let database = look.databases.get(&module)?;
        Some(Self {
            status: database.status,
            latency_ms: database.latency_ms,
            circuit: "closed".to_owned(),
        })
    }
}

/// That it is so, in a word.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthWord)]
pub struct Word {
    pub(super) status: Status,
}

impl Word {
    pub(super) const HEALTHY: Self = Self {
        status: Status::Healthy,
    };
}

/// What the processes of a shop share besides databases.
#[derive(Clone, Serialize, ToSchema)]
pub struct CacheHealth {
    /// `redis`, or `in_process` when each process has its own.
    #[schema(example = "in_process")]
    pub(super) mode: &'static str,
    /// The shop goes on without it, more slowly.
    pub(super) status: Status,
    /// Round trip to Redis, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latency_ms: Option<f64>,
    /// In a word; the log has the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'static str>,
}

impl CacheHealth {
    pub(super) const IN_PROCESS: Self = Self {
        mode: "in_process",
        status: Status::Healthy,
        latency_ms: None,
        error: None,
    };

    pub(super) async fn of(redis: &Redis) -> Self {
        let look = redis.look().await;
        let latency_ms = look.ok().map(|latency| latency.as_secs_f64() * 1e3);
        Self {
            mode: "redis",
            status: match look {
                Ok(_) => Status::Healthy,
                Err(_) => Status::Unhealthy,
            },
            latency_ms: latency_ms.map(|latency| (latency * 1e3).round() / 1e3),
            error: look.err(),
        }
    }
}
