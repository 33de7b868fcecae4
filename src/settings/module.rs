//! The three modules by name, and which of them this program contains.

use serde::{Deserialize, Serialize};

/// A module of the shop.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Module {
    Users,
    Products,
    Orders,
}

impl Module {
    pub const ALL: [Module; 3] = [Module::Users, Module::Products, Module::Orders];

    pub const fn name(self) -> &'static str {
        match self {
            Module::Users => "users",
            Module::Products => "products",
            Module::Orders => "orders",
        }
    }

    /// Whether the Cargo feature of this module was on when the program was built.
    pub const fn built_in(self) -> bool {
        match self {
            Module::Users => cfg!(feature = "users"),
            Module::Products => cfg!(feature = "products"),
            Module::Orders => cfg!(feature = "orders"),
        }
    }

    /// The modules without which this one cannot serve.
    pub const fn needs(self) -> &'static [Module] {
        match self {
            Module::Users | Module::Products => &[],
            Module::Orders => &[Module::Users, Module::Products],
        }
    }

    /// The full name of one of the module's settings, such as `modules.users.url`.
    pub(super) fn setting(self, key: &str) -> String {
        format!("modules.{}.{key}", self.name())
    }
}

impl std::fmt::Display for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
