//! What every adapter of a port does, whoever answers behind it: a fake in memory, the module on its
//! database, either of them over HTTP, or a dial that sends some calls one way and some the other.
//! What one adapter does and another does not is a bug in one of them; the port's documentation
//! tells in which.

mod bench;
mod database;
mod failures;
mod faults;
mod http;
mod orders;
mod products;
mod users;

/// Makes a test of each case and adapter: `conformance::users::tells_the_role::http_to_module`.
macro_rules! on_every_adapter {
    ($fake:ty, $module:ty: $($case:ident,)+) => {$(
        mod $case {
            use super::*;
            use crate::conformance::bench::{Bench, Way};

            on_every_adapter! { @ $case
                fake: $fake, Direct;
                module: $module, Direct;
                http_to_fake: $fake, Http;
                http_to_module: $module, Http;
                canary_to_fake: $fake, Canary;
                canary_to_module: $module, Canary;
                shadow_to_fake: $fake, Shadow;
            }
        }
    )+};
    (@ $case:ident $($adapter:ident: $world:ty, $way:ident;)+) => {$(
        #[tokio::test]
        async fn $adapter() {
            let bench = Bench::<$world>::open(Way::$way).await;
            super::$case(&bench).await;
            bench.close().await;
        }
    )+};
}
use on_every_adapter;
pub use products::FakeProducts;
pub use users::FakeUsers;
