use std::sync::Mutex;

use cleave::settings::Module;

use crate::support::proxy::{Mode, Proxy};
use crate::support::{TestShop, Topology};

/// What strangers are answered.
const STRANGER: [(Module, &str, u16); 3] = [
    (Module::Users, "/auth/me", 401),
    (Module::Products, "/products", 200),
    (Module::Orders, "/orders", 401),
];

/// Else the tour would compare a process with itself.
#[tokio::test]
async fn each_module_is_where_its_topology_says() {
    for topology in Topology::ALL.into_iter().filter(|t| !t.turning) {
        let proxies = Mutex::new(Vec::new());
        let detour = |_, address| {
            let proxy = Proxy::to(address);
            let address = proxy.address;
            proxies.lock().unwrap().push(proxy);
            address
        };
        let shop = TestShop::open_behind(topology, &[], &detour).await;
        for (module, path, status) in STRANGER {
            let answer = shop.get(path).await;
            assert_eq!(answer.status, status, "{module} of {}", topology.name);
        }
        let proxies = std::mem::take(&mut *proxies.lock().unwrap());
        for proxy in &proxies {
            proxy.set(Mode::Refuse).await;
        }
        for (module, path, status) in STRANGER {
            let answer = shop.get(path).await;
            if topology.elsewhere(0, module).is_some() {
                assert!(answer.header("retry-after").is_some());
                answer.expect_problem(503, "unavailable");
            } else {
                assert_eq!(answer.status, status, "{module} of {}", topology.name);
            }
        }
        shop.close().await;
    }
}
