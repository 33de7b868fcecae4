use cleave::settings::Module::{self, Orders, Products, Users};

/// Where the modules run. No client can tell, so end-to-end tests run in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Also of its test target, after `e2e_`.
    pub name: &'static str,
    /// What each process hosts. Clients speak to the first one, the front.
    pub processes: &'static [&'static [Module]],
    /// Whether the front's dials are turned round and round between what it hosts and its peer.
    pub turning: bool,
}

const fn still(name: &'static str, processes: &'static [&'static [Module]]) -> Topology {
    Topology {
        name,
        processes,
        turning: false,
    }
}

const EVERYTHING: &[Module] = &Module::ALL;

impl Topology {
    pub const ALL_LOCAL: Self = still("all_local", &[EVERYTHING]);
    pub const ALL: [Self; 6] = [
        Self::ALL_LOCAL,
        still("users_remote", &[&[Products, Orders], &[Users]]),
        still("products_remote", &[&[Users, Orders], &[Products]]),
        still("orders_remote", &[&[Users, Products], &[Orders]]),
        still("all_remote", &[&[], &[Users], &[Products], &[Orders]]),
        Self {
            name: "dial_turning",
            processes: &[EVERYTHING, EVERYTHING],
            turning: true,
        },
    ];

    /// How many processes answer for this module.
    pub fn hosts(&self, module: Module) -> usize {
        let hosts = self.processes.iter();
        hosts.filter(|hosted| hosted.contains(&module)).count()
    }

    /// The process that answers for this module when it is remote to `caller`.
    pub fn elsewhere(&self, caller: usize, module: Module) -> Option<usize> {
        let hosts = |number: &usize| self.processes[*number].contains(&module);
        (0..self.processes.len()).find(|number| *number != caller && hosts(number))
    }
}

/// The topology of the test target that this is compiled into.
impl Default for Topology {
    fn default() -> Self {
        let Some(name) = env!("CARGO_CRATE_NAME").strip_prefix("e2e_") else {
            return Self::ALL_LOCAL;
        };
        let found = Self::ALL.into_iter().find(|topology| topology.name == name);
        found.unwrap_or_else(|| panic!("no topology is called {name}"))
    }
}
