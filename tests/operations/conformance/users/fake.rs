use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ports::users::{
    Account, AccountRejection, AccountRequest, Address, AddressRejection, AddressRequest, Role,
};
use ports::{CallContext, PortError, PortResult, Users};
use uuid::Uuid;

use super::{UsersWorld, home};
use crate::conformance::bench::{Fault, World};
use crate::conformance::faults::Faults;

/// Accounts in memory.
#[derive(Default)]
pub struct FakeUsers {
    state: Mutex<State>,
    faults: Faults,
}

#[derive(Default)]
struct State {
    accounts: HashMap<Uuid, Account>,
    /// With whose they are, as are addresses.
    sessions: HashMap<Uuid, Uuid>,
    addresses: HashMap<Uuid, (Uuid, Address)>,
}

#[async_trait]
impl Users for FakeUsers {
    async fn account(
        &self,
        cx: CallContext,
        request: AccountRequest,
    ) -> PortResult<Account, AccountRejection> {
        self.faults.pass(&cx).await?;
        let state = self.state.lock().unwrap();
        let account = state.accounts.get(&request.user_id);
        let account = account.ok_or(PortError::Rejected(AccountRejection::UnknownAccount))?;
        match request.session_id {
            Some(session) if state.sessions.get(&session) != Some(&account.user_id) => {
                Err(PortError::Rejected(AccountRejection::SessionEnded))
            }
            _ => Ok(account.clone()),
        }
    }

    async fn address(
        &self,
        cx: CallContext,
        request: AddressRequest,
    ) -> PortResult<Address, AddressRejection> {
        self.faults.pass(&cx).await?;
        let state = self.state.lock().unwrap();
        match state.addresses.get(&request.address_id) {
            Some((owner, address)) if *owner == request.user_id => Ok(address.clone()),
            _ => Err(PortError::Rejected(AddressRejection::UnknownAddress)),
        }
    }
}

impl World for Arc<FakeUsers> {
    type Port = dyn Users;

    async fn open() -> Self {
        Self::default()
    }

    fn port(&self) -> Arc<dyn Users> {
        Arc::clone(self) as _
    }

    async fn suffer(&self, fault: Fault) {
        self.faults.set(Some(fault));
    }

    async fn waiting(&self, calls: usize) {
        self.faults.waiting(calls).await;
    }

    async fn recover(&self) {
        self.faults.set(None);
    }
}

impl UsersWorld for Arc<FakeUsers> {
    async fn account(&self, role: Role) -> Uuid {
        let user_id = Uuid::now_v7();
        let account = Account {
            user_id,
            is_active: true,
            role,
        };
        let mut state = self.state.lock().unwrap();
        state.accounts.insert(user_id, account);
        user_id
    }

    async fn lock(&self, user_id: Uuid) {
        let mut state = self.state.lock().unwrap();
        state.accounts.get_mut(&user_id).unwrap().is_active = false;
    }

    async fn session(&self, user_id: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        self.state.lock().unwrap().sessions.insert(id, user_id);
        id
    }

    async fn end_session(&self, session_id: Uuid) {
        self.state.lock().unwrap().sessions.remove(&session_id);
    }

    async fn address(&self, user_id: Uuid) -> Uuid {
        let address = home(Uuid::now_v7());
        let id = address.id;
        let mut state = self.state.lock().unwrap();
        state.addresses.insert(id, (user_id, address));
        id
    }

    async fn make_default(&self, user_id: Uuid, address_id: Uuid) {
        let mut state = self.state.lock().unwrap();
        for (owner, address) in state.addresses.values_mut() {
            if *owner == user_id {
                address.is_default = address.id == address_id;
            }
        }
    }
}
