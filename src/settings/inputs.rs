//! What the settings are made from, and what for.

use std::ffi::OsString;
use std::path::PathBuf;

use super::module::Module;

/// What the settings are read for; it decides how much must be in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// To serve, or to say whether serving would work.
    Serve,
    /// To work on the databases of these modules.
    Databases(Vec<Module>),
    /// To ask a running instance: its settings were judged when it started.
    Ask,
}

impl Purpose {
    pub(super) fn uses(&self, module: Module) -> bool {
        match self {
            Purpose::Serve => true,
            Purpose::Databases(modules) => modules.contains(&module),
            Purpose::Ask => false,
        }
    }
}

/// Everything the settings are made from, so that a test can bring its own. It may hold
/// secrets, and has no `Debug`.
#[derive(Clone)]
pub struct Inputs {
    /// `--config`; without it, CLEAVE_CONFIG.
    pub config: Option<PathBuf>,
    /// `--set section.key=value`.
    pub set: Vec<String>,
    /// `serve --only`; empty = not given.
    pub only: Vec<Module>,
    pub purpose: Purpose,
    pub environment: Vec<(OsString, OsString)>,
    /// The modules this program contains.
    pub built: Vec<Module>,
}

impl Inputs {
    /// This process's environment and modules, and an empty command line.
    pub fn of_process(purpose: Purpose) -> Self {
        Self {
            config: None,
            set: Vec::new(),
            only: Vec::new(),
            purpose,
            environment: std::env::vars_os().collect(),
            built: Module::ALL
                .into_iter()
                .filter(|module| module.built_in())
                .collect(),
        }
    }
}
