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

use std::sync::Arc;

use actix_web::web;
use anyhow::Context;
use platform::auth::{Accounts, Tokens};
use platform::{Pool, inbox, task};
use ports::{Orders, Products, Users};
use ports_http::{Port, Switch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::accounts::CachedAccounts;
use crate::databases::Databases;
use crate::dials::Dials;
use crate::media::Media;
use crate::module_config;
use crate::ops::{HostedOutbox, Outboxes};
use crate::settings::{Module, Secrets, Settings};
use crate::store::Store;

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
        let pool = |module| hosted_pool(settings, databases, module);
        let tokens = secrets.tokens.clone();
        let mut here = Hosted::default();

        #[cfg(feature = "users")]
        let users = match pool(Module::Users)? {
            Some(pool) => {
                let config = module_config::users(settings)?;
                Some(users::Module::new(pool, config, tokens.clone()))
            }
            None => None,
        };
        #[cfg(feature = "users")]
        if let Some(users) = &users {
            here.users = Some(Arc::clone(users) as _);
        }

        #[cfg(feature = "products")]
        let products = match pool(Module::Products)? {
            Some(pool) => {
                let config = module_config::products(settings)?;
                Some(Arc::new(products::Module::new(pool, config)))
            }
            None => None,
        };
        #[cfg(feature = "products")]
        if let Some(products) = &products {
            here.products = Some(Arc::clone(products) as _);
        }

        let users_port = port(dials, Module::Users, here.users);
        let users_port = users_port.map(|port| port as Arc<dyn Users>);
        let products_port = port(dials, Module::Products, here.products);
        let products_port = products_port.map(|port| port as Arc<dyn Products>);

        #[cfg(feature = "orders")]
        let orders = match pool(Module::Orders)? {
            Some(pool) => Some(orders_on(
                settings,
                pool,
                products_port.clone(),
                users_port.clone(),
            )?),
            None => None,
        };
        #[cfg(feature = "orders")]
        if let Some(orders) = &orders {
            here.orders = Some(Arc::clone(orders) as _);
        }
        let orders_port = port(dials, Module::Orders, here.orders);

        let accounts = users_port.map(|users| Arc::new(CachedAccounts::new(users)) as _);
        let shop = Self {
            #[cfg(feature = "users")]
            users,
            #[cfg(feature = "products")]
            products,
            #[cfg(feature = "orders")]
            orders,
            orders_port: orders_port.map(|port| port as _),
            products_port,
            accounts,
            tokens,
        };
        shop.warn_of_absent_ports();
        Ok(shop)
    }

    fn warn_of_absent_ports(&self) {
        #[cfg(feature = "users")]
        if self.users.is_some() && self.orders_port.is_none() {
            tracing::warn!(
                "modules.orders.url is not set: what users tells orders waits in its outbox"
            );
        }
        if self.accounts.is_none() {
            tracing::warn!(
                "nobody answers for users here: a locked account keeps its access until its token expires"
            );
        }
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
            return Some(Media::of(products));
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

/// `None` for a module that is not hosted.
fn hosted_pool(
    settings: &Settings,
    databases: &Databases,
    module: Module,
) -> anyhow::Result<Option<Pool>> {
    match settings.hosted().any(|hosted| hosted == module) {
        true => databases.pool(settings, module).map(Some),
        false => Ok(None),
    }
}

/// The module here or its peer, as the dial says at each call; `None` for a module that is off.
fn port<P>(dials: &Dials, module: Module, here: Option<Arc<P>>) -> Option<Arc<Switch<P>>>
where
    P: ?Sized + Send + Sync + 'static,
{
    let dial = Arc::clone(dials.get(module)?);
    Some(Arc::new(Switch::new(here, dial)))
}

#[cfg(feature = "orders")]
fn orders_on(
    settings: &Settings,
    pool: Pool,
    products: Option<Arc<dyn Products>>,
    users: Option<Arc<dyn Users>>,
) -> anyhow::Result<Arc<orders::Module>> {
    let products = products.context("orders needs products: set modules.products.url")?;
    let users = users.context("orders needs users: set modules.users.url")?;
    let config = module_config::orders(settings)?;
    let orders = orders::Module::new(pool, config, products, users);
    Ok(Arc::new(orders))
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
