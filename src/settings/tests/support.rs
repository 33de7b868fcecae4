use std::path::{Path, PathBuf};

use crate::settings::{Inputs, Module, Problems, Purpose, Settings};

/// Inputs of a process that has nothing but a data folder.
pub struct Start {
    pub folder: tempfile::TempDir,
    pub inputs: Inputs,
}

pub const STRONG: &str = "b1946ac92492d2347c6235b4d2611184aa";

impl Start {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inputs = Inputs {
            config: None,
            set: Vec::new(),
            only: Vec::new(),
            purpose: Purpose::Serve,
            environment: Vec::new(),
            built: Module::ALL.to_vec(),
        };
        let data_dir = folder.path().join("data");
        Self { folder, inputs }.env("CLEAVE__DATA_DIR", data_dir.to_str().unwrap())
    }

    pub fn production() -> Self {
        Self::new()
            .env("CLEAVE__ENVIRONMENT", "production")
            .env("CLEAVE__AUTH__SECRET", STRONG)
            .env("CLEAVE__INTERNAL__SECRET", STRONG)
            .env("CLEAVE__OPS__TOKEN", STRONG)
            .env(
                "CLEAVE__MODULES__USERS__DATABASE_URL",
                "postgres://u:p@db/users",
            )
            .env(
                "CLEAVE__MODULES__PRODUCTS__DATABASE_URL",
                "postgres://u:p@db/products",
            )
            .env(
                "CLEAVE__MODULES__ORDERS__DATABASE_URL",
                "postgres://u:p@db/orders",
            )
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.inputs.environment.retain(|(known, _)| known != name);
        self.inputs.environment.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.inputs.environment.retain(|(known, _)| known != name);
        self
    }

    pub fn set(mut self, set: &str) -> Self {
        self.inputs.set.push(set.to_owned());
        self
    }

    pub fn only(mut self, modules: &[Module]) -> Self {
        self.inputs.only = modules.to_vec();
        self
    }

    pub fn built(mut self, modules: &[Module]) -> Self {
        self.inputs.built = modules.to_vec();
        self
    }

    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.inputs.purpose = purpose;
        self
    }

    pub fn config(mut self, toml: &str) -> Self {
        self.inputs.config = Some(self.write("shop.toml", toml));
        self
    }

    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn load(&self) -> Settings {
        self.try_load()
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    pub fn try_load(&self) -> Result<Settings, Problems> {
        Settings::load(&self.inputs)
    }

    /// The problems as printed, the temporary folder left out.
    pub fn problems(&self) -> Vec<String> {
        let folder = format!("{}/", self.path().display());
        let problems = self.try_load().unwrap_err().to_string();
        problems
            .lines()
            .map(|line| line.replace(&folder, ""))
            .collect()
    }
}
