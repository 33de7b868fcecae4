//! What a process says of itself before it is trusted with calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calls::version_of;

/// The answer to `GET /internal/handshake`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handshake {
    pub service: String,
    /// Of the program.
    pub version: String,
    /// The hosted modules by name.
    pub modules: BTreeMap<String, Hosted>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hosted {
    pub port_version: u32,
    /// `None` when it can serve, otherwise why it cannot.
    pub not_ready: Option<String>,
    /// Names the module's database among all others, where that is known. Two copies of a module
    /// that stand in for each other must have the same.
    pub database: Option<String>,
}

impl Handshake {
    pub const PATH: &'static str = "/internal/handshake";

    /// # Errors
    /// When `ours` works on another database than this peer: its data would be missed.
    pub fn shares_database(&self, module: &str, ours: &Self) -> Result<(), String> {
        let database = |of: &Self| of.modules.get(module)?.database.clone();
        match (database(self), database(ours)) {
            (Some(theirs), Some(ours)) if theirs != ours => {
                Err(format!("it keeps {module} in another database"))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// Why this peer cannot be asked for the module.
    pub fn serves(&self, module: &str) -> Result<(), String> {
        let Some(hosted) = self.modules.get(module) else {
            return Err(format!("it does not host {module}"));
        };
        let ours = version_of(module).unwrap_or_default();
        if hosted.port_version != ours {
            return Err(format!(
                "it speaks version {} of the {module} port, this process version {ours}",
                hosted.port_version
            ));
        }
        match &hosted.not_ready {
            Some(reason) => Err(reason.clone()),
            None => Ok(()),
        }
    }
}
