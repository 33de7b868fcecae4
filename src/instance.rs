//! One serving process: the shop, its listener and its background work, from start to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use anyhow::Context;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::databases::Databases;
use crate::health::Health;
use crate::migrations;
use crate::server;
use crate::settings::{Secrets, Settings};
use crate::wiring::{Shop, Store};

pub struct Instance {
    pub shop: Shop,
    pub address: SocketAddr,
    stores: Vec<Store>,
    health: Arc<Health>,
    server: JoinHandle<std::io::Result<()>>,
    handle: ServerHandle,
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
        let (server, address) = server::bind(settings, shop.clone(), Arc::clone(&health))
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

    /// Stops being ready, finishes the requests under way within the grace period, then the
    /// background work, then closes the pools.
    pub async fn stop(self) {
        self.health.stop();
        self.handle.stop(true).await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        for store in &self.stores {
            store.pool.close().await;
        }
    }
}
