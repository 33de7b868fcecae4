//! One serving process: the shop, its listeners and its background work, from start to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use platform::db;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connections::shared_redis;
use crate::databases::Databases;
use crate::dials::Dials;
use crate::health::Health;
use crate::listener::{Listener, Socket};
use crate::ops::Operators;
use crate::ops::reconcile::Auditor;
use crate::settings::{Secrets, Settings};
use crate::store::Store;
use crate::tls::Certificate;
use crate::wiring::Shop;
use crate::{metrics, migrations, private, server, tls};

/// How long the end may take beyond the grace period.
const REST: Duration = Duration::from_secs(5);

pub struct Instance {
    pub shop: Shop,
    pub address: SocketAddr,
    pub private_address: SocketAddr,
    pub dials: Arc<Dials>,
    stores: Vec<Store>,
    health: Arc<Health>,
    public: Listener,
    private: Listener,
    tasks: TaskTracker,
    /// Ends what would take longer than a stop may.
    stopping: CancellationToken,
    stop: CancellationToken,
}

impl Instance {
    /// Brings the databases up to date as `migrate` says, then listens.
    pub async fn start(
        settings: &Settings,
        secrets: &Secrets,
        databases: &Databases,
    ) -> anyhow::Result<Self> {
        let dials = Dials::open(settings, secrets)?;
        dials.forget_overruled().context("dial.json")?;
        dials.catch_up().await;
        let shop = Shop::wire(settings, secrets, databases, &dials)?;
        let stores = shop.stores();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        migrations::at_start(settings.migrate, &stores, &tasks, &stop).await?;

        let health = Health::new(
            settings,
            stores.clone(),
            Arc::clone(&dials),
            shared_redis(settings)?,
            shop.media(),
        );
        let certificate = settings.certificate().map(Certificate::open).transpose()?;
        let tls = certificate.as_ref().map(Certificate::server_config);
        let tls = tls.transpose().context(tls::CERT)?;
        let public = Socket::bind("server.public", settings.server.public)?;
        let private = Socket::bind("server.private", settings.server.private)?;
        let operators = Operators::new(secrets, private.address);
        let stopping = CancellationToken::new();
        let auditor = Auditor::new(shop.books(), stopping.clone());
        let private = private::start(
            settings,
            private,
            operators,
            auditor,
            shop.clone(),
            Arc::clone(&dials),
            Arc::clone(&health),
        )?;
        let public = server::start(
            settings,
            public,
            tls,
            shop.clone(),
            Arc::clone(&dials),
            Arc::clone(&health),
            stopping.clone(),
        )?;
        for store in &stores {
            tasks.spawn(db::fill(store.pool.clone()));
        }
        if let Some(certificate) = certificate {
            tasks.spawn(certificate.follow(stop.clone()));
        }
        tasks.spawn(Arc::clone(&dials).follow(stop.clone()));
        tasks.spawn(metrics::upkeep(stop.clone()));
        shop.start_background(&tasks, &stop);
        Ok(Self {
            shop,
            address: public.address,
            private_address: private.address,
            dials,
            stores,
            health,
            public,
            private,
            tasks,
            stopping,
            stop,
        })
    }

    /// Resolves when a listener ends by itself, which it should not.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            ended = self.public.ended() => ended,
            ended = self.private.ended() => ended,
        }
    }

    /// Stops being ready, ends event streams and refuses connections; finishes the requests under way within `grace`,
    /// then the background work; then closes listeners and pools.
    ///
    /// The private listener goes after the public one: a request that was sent on may come back as
    /// a call. The workers stop last: a pooled connection lives on the worker that opened it,
    /// whoever uses it.
    pub async fn stop(self, grace: Duration) {
        self.health.stop();
        self.stopping.cancel();
        self.shop.close_streams();
        let finished = async {
            self.public.drain().await;
            self.private.drain().await;
            self.shop.finish().await;
        };
        if tokio::time::timeout(grace, finished).await.is_err() {
            tracing::warn!("the grace period is over; requests under way are cut off");
        }
        self.stop.cancel();
        self.tasks.close();
        let rest = async {
            self.tasks.wait().await;
            tokio::join!(self.public.stop(), self.private.stop());
            for store in &self.stores {
                store.pool.close().await;
            }
        };
        if tokio::time::timeout(REST, rest).await.is_err() {
            tracing::warn!("not everything came to an end; leaving it");
        }
    }
}
