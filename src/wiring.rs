//! The system at a glance: which modules this process hosts, and who answers each port.
//!
//! ```text
//!            users ◄──── account ──── every request with a token
//!            users ◄──── address ──── orders
//!            products ◄─ snapshot, reserve, release, handle ──── orders ◄──── handle ──── users
//! ```
//!
//! Behind each arrow is a dial: the module in this process answers, or its peer does. The same dial
//! decides over the module's public routes, in [`crate::gateway`].

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::Context;
use platform::auth::{Accounts, Tokens};
use platform::redis::Redis;
use platform::stream::Stream;
use platform::{db, inbox, task};
use ports::{Orders, Products, Users};
use ports_http::{Port, Switch};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::accounts::CachedAccounts;
use crate::databases::Databases;
use crate::dials::Dials;
use crate::ops::{HostedOutbox, Outboxes};
use crate::settings::{Module, Secrets, Settings};

/// The hosted modules, wired to each other. Cheap to clone: every worker has one.
#[derive(Clone)]
pub struct Shop {
    #[cfg(feature = "users")]
    pub users: Option<Arc<users::Module>>,
    #[cfg(feature = "products")]
    pub products: Option<Arc<products::Module>>,
    #[cfg(feature = "orders")]
    pub orders: Option<Arc<orders::Module>>,
    /// Whom the other modules tell; absent where nobody answers for orders.
    orders_port: Option<Arc<dyn Orders>>,
    products_port: Option<Arc<dyn Products>>,
    /// Absent where nobody answers for users; tokens are then trusted until they expire.
    accounts: Option<Arc<dyn Accounts>>,
    tokens: Tokens,
}

/// The modules of this process, as the others see them.
#[derive(Default)]
struct Hosted {
    users: Option<Arc<dyn Users>>,
    products: Option<Arc<dyn Products>>,
    orders: Option<Arc<dyn Orders>>,
}

impl Shop {
    pub fn wire(
        settings: &Settings,
        secrets: &Secrets,
        databases: &Databases,
        dials: &Dials,
    ) -> anyhow::Result<Self> {
        let hosted: Vec<Module> = settings.hosted().collect();
        let pool = |module| match hosted.contains(&module) {
            true => databases.pool(settings, module).map(Some),
            false => Ok(None),
        };
        let tokens = secrets.tokens.clone();
        let mut here = Hosted::default();

        #[cfg(feature = "users")]
        let users = pool(Module::Users)?.map(|pool| {
            let config = users_config(settings)?;
            anyhow::Ok(users::Module::new(pool, config, tokens.clone()))
        });
        #[cfg(feature = "users")]
        let users = users.transpose()?;
        #[cfg(feature = "users")]
        if let Some(users) = &users {
            here.users = Some(Arc::clone(users) as _);
        }

        #[cfg(feature = "products")]
        let products = pool(Module::Products)?
            .map(|pool| anyhow::Ok(products::Module::new(pool, products_config(settings)?)));
        #[cfg(feature = "products")]
        let products = products.transpose()?.map(Arc::new);
        #[cfg(feature = "products")]
        if let Some(products) = &products {
            here.products = Some(Arc::clone(products) as _);
        }

        let users_port = dials
            .get(Module::Users)
            .map(|dial| Arc::new(Switch::new(here.users, Arc::clone(dial))) as Arc<dyn Users>);
        let products_port = dials.get(Module::Products).map(|dial| {
            Arc::new(Switch::new(here.products, Arc::clone(dial))) as Arc<dyn Products>
        });

        #[cfg(feature = "orders")]
        let orders = match (pool(Module::Orders)?, &products_port, &users_port) {
            (Some(pool), Some(products), Some(users)) => Some(Arc::new(orders::Module::new(
                pool,
                orders_config(settings)?,
                Arc::clone(products),
                Arc::clone(users),
            ))),
            (Some(_), None, _) => anyhow::bail!("orders needs products: set modules.products.url"),
            (Some(_), _, None) => anyhow::bail!("orders needs users: set modules.users.url"),
            (None, ..) => None,
        };
        #[cfg(feature = "orders")]
        if let Some(orders) = &orders {
            here.orders = Some(Arc::clone(orders) as _);
        }
        let orders_port = dials
            .get(Module::Orders)
            .map(|dial| Arc::new(Switch::new(here.orders, Arc::clone(dial))) as Arc<dyn Orders>);
        #[cfg(feature = "users")]
        if users.is_some() && orders_port.is_none() {
            tracing::warn!(
                "modules.orders.url is not set: what users tells orders waits in its outbox"
            );
        }

        if users_port.is_none() {
            tracing::warn!(
                "nobody answers for users here: a locked account keeps its access until its token expires"
            );
        }
        let accounts =
            users_port.map(|users| Arc::new(CachedAccounts::new(users)) as Arc<dyn Accounts>);
        Ok(Self {
            #[cfg(feature = "users")]
            users,
            #[cfg(feature = "products")]
            products,
            #[cfg(feature = "orders")]
            orders,
            orders_port,
            products_port,
            accounts,
            tokens,
        })
    }

    /// The public routes of the hosted modules, below `/api/v1`.
    pub fn routes(&self, cfg: &mut ServiceConfig<'_>) {
        cfg.app_data(web::Data::new(self.tokens.clone()));
        if let Some(accounts) = &self.accounts {
            cfg.app_data(web::Data::new(Arc::clone(accounts)));
        }
        #[cfg(feature = "users")]
        if let Some(users) = &self.users {
            cfg.app_data(web::Data::from(Arc::clone(users)));
            users::routes(cfg);
        }
        #[cfg(feature = "products")]
        if let Some(products) = &self.products {
            cfg.app_data(web::Data::from(Arc::clone(products)));
            products::routes(cfg);
        }
        #[cfg(feature = "orders")]
        if let Some(orders) = &self.orders {
            cfg.app_data(web::Data::from(Arc::clone(orders)));
            orders::routes(cfg);
        }
    }

    /// The ports of the hosted modules, for peers; see [`crate::private`].
    pub fn internal_routes(&self, cfg: &mut web::ServiceConfig) {
        #[cfg(feature = "users")]
        if let Some(users) = &self.users {
            (Arc::clone(users) as Arc<dyn Users>).routes(cfg);
        }
        #[cfg(feature = "products")]
        if let Some(products) = &self.products {
            (Arc::clone(products) as Arc<dyn Products>).routes(cfg);
        }
        #[cfg(feature = "orders")]
        if let Some(orders) = &self.orders {
            (Arc::clone(orders) as Arc<dyn Orders>).routes(cfg);
        }
    }

    /// Sign and verify access tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Whose books must agree; absent where one of them is off.
    pub fn books(&self) -> Option<(Arc<dyn Orders>, Arc<dyn Products>)> {
        self.orders_port.clone().zip(self.products_port.clone())
    }

    /// Ends answers that would go on for as long as their clients like.
    pub fn close_streams(&self) {
        #[cfg(feature = "orders")]
        if let Some(orders) = &self.orders {
            orders.close_streams();
        }
    }

    /// Waits for work that outlives its request.
    pub async fn finish(&self) {
        #[cfg(feature = "orders")]
        if let Some(orders) = &self.orders {
            orders.finish().await;
        }
    }

    /// What runs beside requests: relays and sweepers.
    pub fn start_background(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        #[cfg(feature = "users")]
        if let Some(users) = &self.users {
            let port = self.orders_port.clone();
            keep(tasks, stop, "users.sweep", users, users::Module::sweep);
            keep(tasks, stop, "users.relay", users, move |users, stop| {
                users.relay(port.clone(), stop)
            });
        }
        #[cfg(feature = "products")]
        if let Some(products) = &self.products {
            let inbox =
                |products: Arc<products::Module>, stop| inbox::sweep(products.pool().clone(), stop);
            keep(
                tasks,
                stop,
                "products.sweep",
                products,
                products::Module::sweep,
            );
            keep(tasks, stop, "products.inbox", products, inbox);
            let media = products::Module::sweep_media;
            keep(tasks, stop, "products.media", products, media);
        }
        #[cfg(feature = "orders")]
        if let Some(orders) = &self.orders {
            let inbox =
                |orders: Arc<orders::Module>, stop| inbox::sweep(orders.pool().clone(), stop);
            let settle = orders::Module::settle_erasures;
            keep(tasks, stop, "orders.sweep", orders, orders::Module::sweep);
            keep(tasks, stop, "orders.relay", orders, orders::Module::relay);
            keep(tasks, stop, "orders.erasures", orders, settle);
            keep(tasks, stop, "orders.inbox", orders, inbox);
            keep(tasks, stop, "orders.watch", orders, orders::Module::watch);
            let (deliver, sweep) = (
                orders::Module::deliver_webhooks,
                orders::Module::sweep_webhooks,
            );
            keep(tasks, stop, "orders.webhooks", orders, deliver);
            keep(tasks, stop, "orders.webhook_log", orders, sweep);
        }
    }

    /// For a command whose work is not done before products has heard of it.
    pub fn start_relay_of_orders(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        #[cfg(feature = "orders")]
        if let Some(orders) = &self.orders {
            keep(tasks, stop, "orders.relay", orders, orders::Module::relay);
        }
    }

    /// Of the hosted modules that tell others what happens.
    pub fn outboxes(&self) -> Outboxes {
        let mut outboxes = Outboxes::new();
        #[cfg(feature = "users")]
        outboxes.extend(self.users.iter().map(|users| HostedOutbox {
            module: Module::Users,
            subscribers: &users::SUBSCRIBERS,
            outbox: Arc::clone(users.outbox()),
        }));
        #[cfg(feature = "orders")]
        outboxes.extend(self.orders.iter().map(|orders| HostedOutbox {
            module: Module::Orders,
            subscribers: &orders::SUBSCRIBERS,
            outbox: Arc::clone(orders.outbox()),
        }));
        outboxes
    }

    /// Where pictures are, when products is hosted.
    pub fn media(&self) -> Option<Media> {
        #[cfg(feature = "products")]
        if let Some(products) = &self.products {
            return Some(Media(products.media().clone()));
        }
        None
    }

    /// The databases of the hosted modules.
    pub fn stores(&self) -> Vec<Store> {
        let mut stores = Vec::new();
        #[cfg(feature = "users")]
        stores.extend(
            self.users
                .iter()
                .map(|m| Store::of(Module::Users, m.pool())),
        );
        #[cfg(feature = "products")]
        stores.extend(
            self.products
                .iter()
                .map(|m| Store::of(Module::Products, m.pool())),
        );
        #[cfg(feature = "orders")]
        stores.extend(
            self.orders
                .iter()
                .map(|m| Store::of(Module::Orders, m.pool())),
        );
        stores
    }
}

/// Starts work that a panic does not end.
fn keep<M: Send + Sync + 'static, F: Future<Output = ()> + Send + 'static>(
    tasks: &TaskTracker,
    stop: &CancellationToken,
    work: &'static str,
    module: &Arc<M>,
    begin: impl Fn(Arc<M>, CancellationToken) -> F + Send + Sync + 'static,
) {
    let (module, stop) = (Arc::clone(module), stop.clone());
    tasks.spawn(async move {
        let begin = || begin(Arc::clone(&module), stop.clone());
        task::keep_going(work, &stop, begin).await;
    });
}

/// The routes of these modules, as far as they are in this program; to be documented, not served.
pub fn documented_routes(modules: &[Module], cfg: &mut ServiceConfig<'_>) {
    for module in modules {
        match module {
            #[cfg(feature = "users")]
            Module::Users => users::routes(cfg),
            #[cfg(feature = "products")]
            Module::Products => products::routes(cfg),
            #[cfg(feature = "orders")]
            Module::Orders => orders::routes(cfg),
            #[allow(unreachable_patterns, reason = "when every module is built in")]
            _ => {}
        }
    }
}

#[cfg(feature = "users")]
pub fn users_config(settings: &Settings) -> anyhow::Result<users::Config> {
    Ok(users::Config {
        refresh_token_lifetime: settings.auth.refresh_token,
        login_per_minute: settings.limits.login_per_minute.map_or(0, Into::into),
        redis: redis(settings, Module::Users)?,
        event_attempts: event_attempts(settings),
        stream: stream(settings)?,
    })
}

#[cfg(feature = "products")]
pub fn products_config(settings: &Settings) -> anyhow::Result<products::Config> {
    Ok(products::Config {
        hold_ttl: settings.modules.products.hold_ttl,
        currency: settings.store.currency,
        import_bytes: settings
            .limits
            .import_bytes
            .map_or(0, |bytes| bytes.get() as u64),
        upload_bytes: settings.limits.upload_bytes.map_or(0, Into::into),
        media: media(settings)?,
    })
}

/// Where pictures are kept; nobody is asked yet.
#[cfg(feature = "products")]
pub fn media(settings: &Settings) -> anyhow::Result<products::MediaStore> {
    let opened = match &settings.media.url {
        None => products::MediaStore::in_folder(&settings.media_dir()).map_err(Into::into),
        Some(url) => media_at(url.expose_secret()),
    };
    opened.context("media.url")
}

#[cfg(feature = "products")]
fn media_at(url: &str) -> anyhow::Result<products::MediaStore> {
    Ok(products::MediaStore::open(&url.parse()?, store_options())?)
}

/// Whether pictures could be kept there; nobody is asked.
pub fn check_media(url: &str) -> anyhow::Result<()> {
    #[cfg(feature = "products")]
    media_at(url)?;
    Ok(())
}

/// What the stores' own tools read too: keys, region, endpoint.
#[cfg(feature = "products")]
fn store_options() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let of_a_store = |(name, _): &(String, String)| {
        let prefixes = ["AWS_", "AZURE_", "GOOGLE_"];
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    std::env::vars_os().filter_map(text).filter(of_a_store)
}

#[cfg(feature = "orders")]
pub fn orders_config(settings: &Settings) -> anyhow::Result<orders::Config> {
    let window = settings.modules.orders.payment_window;
    Ok(orders::Config {
        currency: settings.store.currency,
        event_attempts: event_attempts(settings),
        payment_window: (!window.is_zero()).then_some(window),
        stream: stream(settings)?,
        webhooks: webhook_rules(settings),
    })
}

/// The Redis of a module, if it has one; nobody is connected to yet.
pub fn redis(settings: &Settings, module: Module) -> anyhow::Result<Option<Redis>> {
    let url = settings.modules.get(module).redis_url.as_ref();
    let open = |url: &SecretString| Redis::open(url.expose_secret()).context("redis_url");
    url.map(open).transpose()
}

/// The Redis that this process shares with its replicas: that of users, which counts sign-ins there,
/// else the common one.
pub fn shared_redis(settings: &Settings) -> anyhow::Result<Option<Redis>> {
    match settings.hosted().any(|module| module == Module::Users) {
        true => redis(settings, Module::Users),
        false => common_redis(settings),
    }
}

/// The Redis of the shop, where it has one; nobody is connected to yet.
pub fn common_redis(settings: &Settings) -> anyhow::Result<Option<Redis>> {
    let open = |url: &SecretString| Redis::open(url.expose_secret()).context("redis.url");
    settings.redis.url.as_ref().map(open).transpose()
}

#[cfg(feature = "orders")]
fn webhook_rules(settings: &Settings) -> orders::WebhookRules {
    let allow_private_addresses = settings.webhooks.allow_private_addresses;
    let production = settings.environment == crate::settings::Environment::Production;
    orders::WebhookRules {
        allow_private_addresses,
        require_https: production && !allow_private_addresses,
    }
}

/// Where events go besides; nobody is connected to yet.
pub fn stream(settings: &Settings) -> anyhow::Result<Option<Stream>> {
    let url = settings.events.stream_url.as_ref();
    let open = |url: &SecretString| {
        Stream::open(url.expose_secret(), settings.events.stream_length)
            .context("events.stream_url")
    };
    url.map(open).transpose()
}

fn event_attempts(settings: &Settings) -> i32 {
    i32::try_from(settings.events.max_attempts).unwrap_or(i32::MAX)
}

/// Where the bytes of pictures are.
#[derive(Clone)]
pub struct Media(#[cfg(feature = "products")] products::MediaStore);

impl Media {
    /// As the settings say; `None` in a program without products.
    pub fn open(settings: &Settings) -> anyhow::Result<Option<Self>> {
        #[cfg(feature = "products")]
        return Ok(Some(Self(media(settings)?)));
        #[cfg(not(feature = "products"))]
        Ok(None)
    }

    /// How long it takes to ask, or why it cannot be asked.
    pub async fn look(&self) -> Result<Duration, String> {
        #[cfg(feature = "products")]
        return self.0.look().await.map_err(in_full);
        #[cfg(not(feature = "products"))]
        Ok(Duration::ZERO)
    }

    /// Whether it takes bytes and gives them back.
    pub async fn try_out(&self) -> Result<(), String> {
        #[cfg(feature = "products")]
        self.0.try_out().await.map_err(in_full)?;
        Ok(())
    }
}

#[cfg(feature = "products")]
fn in_full(error: products::StoreError) -> String {
    // What is further down a store's error says already.
    match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// A module's database and the history it should have.
#[derive(Clone)]
pub struct Store {
    pub module: Module,
    pub pool: PgPool,
    pub migrator: &'static Migrator,
}

impl Store {
    pub fn of(module: Module, pool: &PgPool) -> Self {
        Self {
            module,
            pool: pool.clone(),
            migrator: migrator(module),
        }
    }

    /// Names this database among all others; `None` where the server does not tell.
    pub async fn identity(&self) -> Option<String> {
        let found = sqlx::query_scalar(
            "select system_identifier || '/' || current_database() from pg_control_system()",
        );
        found.fetch_one(&self.pool).await.ok()
    }

    pub async fn missing(&self) -> Result<Vec<db::Missing>, sqlx::Error> {
        db::missing_migrations(&self.pool, self.migrator).await
    }
}

fn migrator(module: Module) -> &'static Migrator {
    static NONE: Migrator = Migrator::DEFAULT;
    match module {
        #[cfg(feature = "users")]
        Module::Users => &users::MIGRATOR,
        #[cfg(feature = "products")]
        Module::Products => &products::MIGRATOR,
        #[cfg(feature = "orders")]
        Module::Orders => &orders::MIGRATOR,
        #[allow(unreachable_patterns, reason = "when every module is built in")]
        _ => &NONE,
    }
}
