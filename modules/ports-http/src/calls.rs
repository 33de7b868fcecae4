//! Every call of every port, declared once. Client, server and switch are made from these lines.
//!
//! A change that an older peer would not understand takes a new version number: the version is part
//! of the path, and two processes of different versions are not ready for each other.

use std::sync::Arc;

use actix_web::web::{self, ServiceConfig};
use async_trait::async_trait;
use ports::audit::Audit;
use ports::events::Event;
use ports::orders::{OrderBooks, RetellRequest};
use ports::products::{
    EventRejection, ProductSnapshot, ReleaseRequest, RepairRequest, Reservation, ReservationBooks,
    ReserveRejection, ReserveRequest, SnapshotRequest, StockBooks,
};
use ports::users::{
    Account, AccountRejection, AccountRequest, Address, AddressRejection, AddressRequest,
};
use ports::{CallContext, Never, Orders, PortResult, Products, Users};

use crate::{Call, Port, Remote, Repeat, Switch, serve};

/// `method(Request) -> Reply, Rejection: Repeat`, as the trait has it.
macro_rules! port {
    ($trait:ident is $module:ident v $version:literal {
        $($method:ident($request:ty) -> $reply:ty, $rejection:ty: $repeat:ident;)*
    }) => {
        /// The calls of the port, as types.
        pub mod $module {
            use super::*;
            $(
                #[allow(non_camel_case_types, reason = "named as the method")]
                pub enum $method {}

                impl Call for $method {
                    const MODULE: &'static str = stringify!($module);
                    const VERSION: u32 = $version;
                    const NAME: &'static str = stringify!($method);
                    const REPEAT: Repeat = Repeat::$repeat;
                    type Request = $request;
                    type Reply = $reply;
                    type Rejection = $rejection;
                }
            )*
        }

        #[async_trait]
        impl $trait for Remote {
            $(async fn $method(
                &self,
                cx: CallContext,
                request: $request,
            ) -> PortResult<$reply, $rejection> {
                self.call::<$module::$method>(cx, request).await
            })*
        }

        #[async_trait]
        impl $trait for Switch<dyn $trait> {
            $(async fn $method(
                &self,
                cx: CallContext,
                request: $request,
            ) -> PortResult<$reply, $rejection> {
                self.place::<$module::$method, _>(cx, request, |port, cx, request| async move {
                    port.$method(cx, request).await
                })
                .await
            })*
        }

        impl Port for dyn $trait {
            const MODULE: &'static str = stringify!($module);
            const VERSION: u32 = $version;

            fn routes(self: Arc<Self>, cfg: &mut ServiceConfig) {
                $({
                    let port = Arc::clone(&self);
                    let handler = move |http, body| {
                        let port = Arc::clone(&port);
                        serve::answer::<$module::$method, _>(http, body, move |cx, request| {
                            async move { port.$method(cx, request).await }
                        })
                    };
                    cfg.route(&$module::$method::path(), web::post().to(handler));
                })*
            }
        }
    };
}

port! { Users is users v 1 {
    account(AccountRequest) -> Account, AccountRejection: Safe;
    address(AddressRequest) -> Address, AddressRejection: Safe;
} }

// Audits read what traffic moves: two readings differ without anything being wrong, so that they are
// not shadowed.

port! { Products is products v 1 {
    snapshot(SnapshotRequest) -> Vec<ProductSnapshot>, Never: Safe;
    reserve(ReserveRequest) -> Reservation, ReserveRejection: Idempotent;
    release(ReleaseRequest) -> (), Never: Idempotent;
    handle(Event) -> (), EventRejection: Idempotent;
    audit(Audit) -> ReservationBooks, Never: Idempotent;
    audit_stock(Audit) -> StockBooks, Never: Idempotent;
    repair(RepairRequest) -> (), Never: Idempotent;
} }

port! { Orders is orders v 1 {
    handle(Event) -> (), Never: Idempotent;
    audit(Audit) -> OrderBooks, Never: Idempotent;
    retell(RetellRequest) -> (), Never: Idempotent;
} }

/// The port version of each module.
pub const VERSIONS: [(&str, u32); 3] = [
    (<dyn Users as Port>::MODULE, <dyn Users as Port>::VERSION),
    (
        <dyn Products as Port>::MODULE,
        <dyn Products as Port>::VERSION,
    ),
    (<dyn Orders as Port>::MODULE, <dyn Orders as Port>::VERSION),
];

/// The port version that this program speaks.
pub fn version_of(module: &str) -> Option<u32> {
    let found = VERSIONS.iter().find(|(name, _)| *name == module);
    found.map(|(_, version)| *version)
}
