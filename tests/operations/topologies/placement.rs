use std::net::SocketAddr;
use std::sync::Mutex;

use cleave::settings::Module;

use crate::support::proxy::{Mode, Proxy};
use crate::support::{TestShop, Topology, eventually};

/// What strangers are answered.
const STRANGER: [(Module, &str, u16); 3] = [
    (Module::Users, "/auth/me", 401),
    (Module::Products, "/products", 200),
    (Module::Orders, "/orders", 401),
];

/// One before each module, for each process that calls it.
#[derive(Default)]
struct Proxies(Mutex<Vec<(Module, Proxy)>>);

impl Proxies {
    fn before(&self, module: Module, address: SocketAddr) -> SocketAddr {
        let proxy = Proxy::to(address);
        let address = proxy.address;
        self.0.lock().unwrap().push((module, proxy));
        address
    }

    fn saw(&self, module: Module, path: &str) -> bool {
        let path = format!("GET /api/v1{path} ");
        let proxies = self.0.lock().unwrap();
        let mut before = proxies.iter().filter(|(of, _)| *of == module);
        before.any(|(_, proxy)| proxy.seen(&path) > 0)
    }

    async fn refuse(&self) {
        let proxies = std::mem::take(&mut *self.0.lock().unwrap());
        for (_, proxy) in &proxies {
            proxy.set(Mode::Refuse).await;
        }
        *self.0.lock().unwrap() = proxies;
    }
}

/// Else the tour would compare a process with itself.
#[tokio::test]
async fn each_module_is_where_its_topology_says() {
    for topology in Topology::ALL {
        let proxies = Proxies::default();
        let detour = |module, address| proxies.before(module, address);
        let shop = TestShop::open_behind(topology, &[], &detour).await;
        for (module, path, status) in STRANGER {
            let name = format!("{module} of {}", topology.name);
            let elsewhere = topology.elsewhere(0, module).is_some();
            eventually(&name, async || {
                assert_eq!(shop.get(path).await.status, status, "{name}");
                proxies.saw(module, path) == elsewhere
            })
            .await;
        }
        if !topology.turning {
            proxies.refuse().await;
            expect_absent(&shop, topology).await;
        }
        shop.close().await;
    }
}

/// What is elsewhere cannot be reached, and nothing else suffers.
async fn expect_absent(shop: &TestShop, topology: Topology) {
    for (module, path, status) in STRANGER {
        let answer = shop.get(path).await;
        if topology.elsewhere(0, module).is_some() {
            assert!(answer.header("retry-after").is_some());
            answer.expect_problem(503, "unavailable");
        } else {
            assert_eq!(answer.status, status, "{module} of {}", topology.name);
        }
    }
}
