//! What only calls over HTTP meet: peers that are dead, slow, cut off or not what they should be.

mod answers;
mod peers;
mod proxy;

use std::sync::Arc;

use ports::Users;
use ports::users::{Account, AccountRequest, Role};
use ports_http::{PeerConfig, Port, Remote};
use uuid::Uuid;

use super::bench::{PATIENT, Tested, peer_at};

/// A port at that address.
fn remote<P: Port + Tested + ?Sized>(url: &str, config: PeerConfig) -> Arc<P> {
    P::remote(Remote::new(peer_at::<P>(url, config)))
}

fn users_at(url: &str) -> Arc<dyn Users> {
    remote(url, PATIENT)
}

const ADA: Account = Account {
    user_id: Uuid::from_u128(1),
    is_active: true,
    role: Role::Customer,
};

fn about_ada() -> AccountRequest {
    AccountRequest {
        user_id: ADA.user_id,
        session_id: None,
    }
}
