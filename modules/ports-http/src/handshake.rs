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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// As an older and a newer peer write it.
    const WIRE: &str = r#"{"service":"cleave","version":"0.1.0","modules":{"products":{"port_version":1,"not_ready":null,"database":"7/products_db"}}}"#;

    #[test]
    fn every_release_reads_it() {
        let handshake: Handshake = serde_json::from_str(WIRE).unwrap();
        assert_eq!(serde_json::to_string(&handshake).unwrap(), WIRE);
        assert_eq!(handshake.serves("products"), Ok(()));
        let newer = WIRE.replacen('{', r#"{"more":{},"#, 1);
        assert_eq!(
            serde_json::from_str::<Handshake>(&newer).unwrap(),
            handshake
        );
    }

    #[test]
    fn a_peer_that_cannot_serve_says_why() {
        let why = |from: &str, to: &str| {
            let handshake: Handshake = serde_json::from_str(&WIRE.replace(from, to)).unwrap();
            handshake.serves("products").unwrap_err()
        };
        assert_eq!(why("products\":", "orders\":"), "it does not host products");
        assert_eq!(
            why("\"port_version\":1", "\"port_version\":2"),
            "it speaks version 2 of the products port, this process version 1"
        );
        assert_eq!(
            why(":null", ":\"its database is away\""),
            "its database is away"
        );
    }
}
