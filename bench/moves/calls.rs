//! One call of a port, to a module that answers at once: what is left is the way there and back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nix::sys::resource::{UsageWho, getrusage};
use ports::users::{
    Account, AccountRejection, AccountRequest, Address, AddressRejection, AddressRequest, Role,
};
use ports::{CallContext, PortError, PortResult, Users};
use ports_http::{Dial, Peer, PeerConfig, Port, Position, ServiceTokens, Switch};
use uuid::Uuid;

use crate::load::quantiles;

const CALLS: usize = 20_000;

struct AnswersAtOnce;

#[async_trait]
impl Users for AnswersAtOnce {
    async fn account(
        &self,
        _: CallContext,
        request: AccountRequest,
    ) -> PortResult<Account, AccountRejection> {
        Ok(Account {
            user_id: request.user_id,
            is_active: true,
            role: Role::Customer,
        })
    }

    async fn address(
        &self,
        _: CallContext,
        _: AddressRequest,
    ) -> PortResult<Address, AddressRejection> {
        Err(PortError::Rejected(AddressRejection::UnknownAddress))
    }
}

pub fn compare() {
    println!("one port call through the dial, {CALLS} in a row: p50, p99, CPU of both ends");
    actix_web::rt::System::new().block_on(async {
        let users: Arc<dyn Users> = Arc::new(AnswersAtOnce);
        let served = Arc::clone(&users);
        let server = actix_web::HttpServer::new(move || {
            let users = Arc::clone(&served);
            actix_web::App::new().configure(|cfg| users.routes(cfg))
        });
        let server = server.workers(1).bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);

        let config = PeerConfig {
            call_timeout: Duration::from_secs(2),
            call_retries: 0,
            circuit_failures: 5,
            circuit_open: Duration::from_secs(5),
            max_in_flight: 256,
        };
        let tokens = Arc::new(ServiceTokens::new(&"the bench's own".into()));
        let peer = Arc::new(Peer::new("users", &url, config, tokens).unwrap());
        for (name, position) in [
            ("local", Position::local(None)),
            ("remote", Position::remote(peer)),
        ] {
            let dial = Arc::new(Dial::new("users", true, position));
            measure(name, &Switch::new(Some(Arc::clone(&users)), dial)).await;
        }
        handle.stop(false).await;
    });
}

async fn measure(name: &str, users: &dyn Users) {
    let mut took = Vec::with_capacity(CALLS);
    let before = cpu();
    for _ in 0..CALLS {
        let cx = CallContext::system("bench", Duration::from_secs(2));
        let request = AccountRequest {
            user_id: Uuid::nil(),
            session_id: None,
        };
        let start = Instant::now();
        users.account(cx, request).await.unwrap();
        took.push(start.elapsed());
    }
    let each = (cpu() - before) / u32::try_from(CALLS).unwrap();
    let (p50, p99) = quantiles(&mut took);
    println!("  {name:<8}{p50:>12.1?}{p99:>12.1?}{each:>12.1?}");
}

fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let time = |value: nix::sys::time::TimeVal| {
        Duration::from_micros(u64::try_from(value.tv_sec() * 1_000_000 + value.tv_usec()).unwrap())
    };
    time(usage.user_time()) + time(usage.system_time())
}
