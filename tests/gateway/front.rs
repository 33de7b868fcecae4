//! Processes of the shop, as the tests set them up.

use std::net::SocketAddr;
use std::time::Duration;

use cleave::databases::Databases;
use cleave::instance::Instance;
use cleave::settings::{Inputs, Purpose, Settings};
use ports_http::ServiceTokens;

use crate::cluster::TestDatabases;

/// Of both ends.
pub const SECRET: &str = "an-internal-secret-of-the-tests-0123456789abcdef";
const GRACE: Duration = Duration::from_secs(5);

pub struct Front {
    pub address: SocketAddr,
    pub private_address: SocketAddr,
    pub instance: Instance,
    _data_dir: tempfile::TempDir,
    _databases: Option<TestDatabases>,
}

impl Front {
    /// Hosts nothing; every module is at this peer.
    pub async fn of(peer: SocketAddr, set: &[&str]) -> Self {
        let mut settings = Vec::new();
        for module in ["users", "products", "orders"] {
            settings.push(format!("modules.{module}.mode=remote"));
            settings.push(format!("modules.{module}.url=http://{peer}"));
        }
        settings.extend(set.iter().map(|setting| (*setting).to_owned()));
        Self::start(None, settings).await
    }

    /// Hosts every module.
    pub async fn whole(databases: &TestDatabases, set: &[&str]) -> Self {
        let set = set.iter().map(|setting| (*setting).to_owned()).collect();
        Self::start(Some(databases), set).await
    }

    async fn start(databases: Option<&TestDatabases>, set: Vec<String>) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let mut inputs = Inputs::of_process(Purpose::Serve);
        inputs.environment.clear();
        inputs.set = vec![
            format!("data_dir={}", data_dir.path().display()),
            format!("internal.secret={SECRET}"),
            "server.public=127.0.0.1:0".to_owned(),
            "server.private=127.0.0.1:0".to_owned(),
            "server.workers=2".to_owned(),
            "limits.requests_per_second=0".to_owned(),
            "limits.login_per_minute=0".to_owned(),
        ];
        inputs.set.extend(set);
        let mut settings = Settings::load(&inputs).unwrap_or_else(|problems| panic!("{problems}"));
        let secrets = settings.generate_missing_secrets().unwrap();
        // With E2E_LOG=1, what the shop logs; the first one of a run starts it.
        if std::env::var_os("E2E_LOG").is_some() {
            let _ = cleave::telemetry::start(&settings.telemetry);
        }
        let all = databases.map(TestDatabases::all).unwrap_or_default();
        let given = Databases::given(all);
        let instance = Instance::start(&settings, &secrets, &given).await.unwrap();
        Self {
            address: instance.address,
            private_address: instance.private_address,
            instance,
            _data_dir: data_dir,
            _databases: databases.cloned(),
        }
    }

    pub async fn close(self) {
        self.instance.stop(GRACE).await;
    }
}

/// What a peer shows to be let in.
pub fn service_token() -> String {
    ServiceTokens::new(&SECRET.into()).bearer().unwrap()
}
