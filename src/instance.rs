//! One serving process: the shop, its listener and its background work, from start to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use anyhow::Context;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::databases::Databases;
use crate::health::Health;
use crate::migrations;
use crate::server::{self, Bound, Door};
use crate::settings::{Secrets, Settings};
use crate::wiring::{Shop, Store};

/// How long the end may take beyond the grace period.
const REST: Duration = Duration::from_secs(5);

pub struct Instance {
    pub shop: Shop,
    pub address: SocketAddr,
    stores: Vec<Store>,
    health: Arc<Health>,
    server: JoinHandle<std::io::Result<()>>,
    handle: ServerHandle,
    requests: TaskTracker,
    door: Door,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Instance {
    /// Brings the databases up to date as `migrate` says, then listens.
    pub async fn start(
        settings: &Settings,
        secrets: &Secrets,
        databases: &Databases,
    ) -> anyhow::Result<Self> {
        let shop = Shop::wire(settings, secrets, databases)?;
        let stores = shop.stores();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        migrations::at_start(settings.migrate, &stores, &tasks, &stop).await?;

        let health = Health::new(settings, stores.clone());
        let wanted = settings.server.public;
        let Bound {
            server,
            address,
            requests,
            door,
        } = server::bind(settings, shop.clone(), Arc::clone(&health))
            .with_context(|| format!("server.public: cannot listen on {wanted}"))?;
        let handle = server.handle();
        shop.start_background(&tasks, &stop);
        Ok(Self {
            shop,
            address,
            stores,
            health,
            server: tokio::spawn(server),
            handle,
            requests,
            door,
            tasks,
            stop,
        })
    }

    /// Resolves when the listener ends by itself, which it should not.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        (&mut self.server)
            .await
            .context("the server ended abnormally")?
            .context("the server failed")
    }

    /// Stops being ready and refuses connections; finishes the requests under way within `grace`,
    /// then the background work; then closes listener and pools.
    ///
    /// The workers stop last: a pooled connection lives on the worker that opened it, whoever
    /// uses it.
    pub async fn stop(self, grace: Duration) {
        self.health.stop();
        self.handle.pause().await;
        self.door.close();
        self.requests.close();
        let finished = async {
            self.requests.wait().await;
            self.shop.finish().await;
        };
        if tokio::time::timeout(grace, finished).await.is_err() {
            tracing::warn!("the grace period is over; requests under way are cut off");
        }
        self.stop.cancel();
        self.tasks.close();
        let rest = async {
            self.tasks.wait().await;
            self.handle.stop(true).await;
            for store in &self.stores {
                store.pool.close().await;
            }
        };
        if tokio::time::timeout(REST, rest).await.is_err() {
            tracing::warn!("not everything came to an end; leaving it");
        }
    }
}
