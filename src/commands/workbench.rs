//! Modules for a command to work with, on databases that are up to date.

#[cfg(feature = "users")]
use std::sync::Arc;

use anyhow::Context;
use platform::auth::Tokens;

use crate::databases::{Databases, Tenancy};
use crate::migrations;
#[cfg(feature = "users")]
use crate::module_config;
use crate::settings::{Module, Settings};
use crate::store::Store;

pub struct Workbench {
    settings: Settings,
    databases: Databases,
    stores: Vec<Store>,
}

impl Workbench {
    /// Opens these modules' databases; the embedded server is shared with a running instance, or
    /// runs for as long as the command does.
    pub async fn open(settings: Settings, modules: &[Module]) -> anyhow::Result<Self> {
        let databases = Databases::open(&settings, modules, Tenancy::Share).await?;
        let stores = modules
            .iter()
            .map(|module| Ok(Store::of(*module, &databases.pool(&settings, *module)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let bench = Self {
            settings,
            databases,
            stores,
        };
        match bench.prepare().await {
            Ok(()) => Ok(bench),
            Err(error) => {
                bench.close().await;
                Err(error)
            }
        }
    }

    async fn prepare(&self) -> anyhow::Result<()> {
        for store in &self.stores {
            migrations::before_work(self.settings.migrate, store).await?;
        }
        Ok(())
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn pool(&self, module: Module) -> anyhow::Result<&platform::Pool> {
        let store = self.stores.iter().find(|store| store.module == module);
        let store = store.with_context(|| format!("{module} is not open"))?;
        Ok(&store.pool)
    }

    #[cfg(feature = "users")]
    pub fn users(&self) -> anyhow::Result<Arc<users::Module>> {
        // A command issues no tokens; nothing signed with this key ever leaves it.
        let tokens = Tokens::hs256(&String::new().into(), self.settings.auth.access_token);
        let config = module_config::users(&self.settings)?;
        let pool = self.pool(Module::Users)?.clone();
        Ok(users::Module::new(pool, config, tokens))
    }

    pub async fn close(self) {
        for store in &self.stores {
            store.pool.close().await;
        }
        self.databases.close().await;
    }
}
