//! The users port.

mod fake;
mod module;

use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::join;
use ports::users::{
    Account, AccountRejection, AccountRequest, Address, AddressRejection, AddressRequest, Role,
};
use ports::{CallContext, PortError, PortResult, Users};
use ports_http::{Remote, Switch};
use uuid::Uuid;

use super::bench::{Answered, Bench, Tested, World, answered, cx};
use super::failures::*;
use super::on_every_adapter;
pub use fake::FakeUsers;
use module::UsersModule;

/// What happens to accounts besides being asked about.
pub trait UsersWorld: World<Port = dyn Users> {
    async fn account(&self, role: Role) -> Uuid;
    async fn lock(&self, user_id: Uuid);
    async fn session(&self, user_id: Uuid) -> Uuid;
    async fn end_session(&self, session_id: Uuid);
    /// As [`home`] has it.
    async fn address(&self, user_id: Uuid) -> Uuid;
    async fn make_default(&self, user_id: Uuid, address_id: Uuid);
}

fn home(id: Uuid) -> Address {
    Address {
        id,
        name: "Anna Schmidt".to_owned(),
        line1: "Unter den Linden 1".to_owned(),
        line2: None,
        city: "Berlin".to_owned(),
        region: None,
        postal_code: "10117".to_owned(),
        country: "DE".to_owned(),
        phone: None,
        is_default: false,
    }
}

impl Tested for dyn Users {
    const CALLS: usize = 2;

    fn remote(remote: Remote) -> Arc<Self> {
        Arc::new(remote)
    }

    fn switch(switch: Switch<Self>) -> Arc<Self> {
        Arc::new(switch)
    }

    async fn each_call(&self, cx: &CallContext) -> Vec<(&'static str, Answered)> {
        let request = AccountRequest {
            user_id: Uuid::now_v7(),
            session_id: None,
        };
        let address = AddressRequest {
            user_id: request.user_id,
            address_id: Uuid::now_v7(),
        };
        let (account, address) = join!(
            self.account(cx.clone(), request),
            self.address(cx.clone(), address),
        );
        vec![
            ("account", answered(account)),
            ("address", answered(address)),
        ]
    }
}

impl<W: UsersWorld> Bench<W> {
    async fn account(
        &self,
        user_id: Uuid,
        session_id: Option<Uuid>,
    ) -> PortResult<Account, AccountRejection> {
        let request = AccountRequest {
            user_id,
            session_id,
        };
        self.port.account(cx(), request).await
    }

    async fn address(
        &self,
        user_id: Uuid,
        address_id: Uuid,
    ) -> PortResult<Address, AddressRejection> {
        let request = AddressRequest {
            user_id,
            address_id,
        };
        self.port.address(cx(), request).await
    }
}

on_every_adapter! { Arc<FakeUsers>, UsersModule:
    tells_role_and_standing,
    a_locked_account_is_told_not_rejected,
    an_unknown_account_is_rejected,
    a_session_that_ended_is_rejected_where_it_is_asked_about,
    a_session_of_somebody_else_is_as_one_that_ended,
    tells_an_address_and_whether_it_is_the_default,
    an_address_that_is_unknown_or_somebody_elses_is_rejected,
    answers_a_hundred_at_once,
    a_spent_deadline_is_a_timeout,
    a_stalled_module_costs_the_deadline_and_no_more,
    a_module_without_its_database_is_unavailable,
    a_call_that_is_cut_off_is_unavailable,
}

async fn tells_role_and_standing(bench: &Bench<impl UsersWorld>) {
    for role in [Role::Customer, Role::Admin] {
        let user_id = bench.world.account(role).await;
        let account = Account {
            user_id,
            is_active: true,
            role,
        };
        assert_eq!(bench.account(user_id, None).await, Ok(account));
    }
}

async fn a_locked_account_is_told_not_rejected(bench: &Bench<impl UsersWorld>) {
    let ada = bench.world.account(Role::Customer).await;
    let bob = bench.world.account(Role::Customer).await;
    let session = bench.world.session(ada).await;
    bench.world.lock(ada).await;
    for session in [None, Some(session)] {
        assert!(!bench.account(ada, session).await.unwrap().is_active);
    }
    assert!(bench.account(bob, None).await.unwrap().is_active);
}

async fn an_unknown_account_is_rejected(bench: &Bench<impl UsersWorld>) {
    let ada = bench.world.account(Role::Customer).await;
    let session = bench.world.session(ada).await;
    let unknown = Err(PortError::Rejected(AccountRejection::UnknownAccount));
    for session in [None, Some(session)] {
        assert_eq!(bench.account(Uuid::now_v7(), session).await, unknown);
    }
}

async fn a_session_that_ended_is_rejected_where_it_is_asked_about(bench: &Bench<impl UsersWorld>) {
    let ada = bench.world.account(Role::Customer).await;
    let ended = bench.world.session(ada).await;
    let other = bench.world.session(ada).await;
    assert!(bench.account(ada, Some(ended)).await.is_ok());
    bench.world.end_session(ended).await;
    let rejected = Err(PortError::Rejected(AccountRejection::SessionEnded));
    assert_eq!(bench.account(ada, Some(ended)).await, rejected);
    for session in [None, Some(other)] {
        assert!(bench.account(ada, session).await.unwrap().is_active);
    }
}

async fn a_session_of_somebody_else_is_as_one_that_ended(bench: &Bench<impl UsersWorld>) {
    let ada = bench.world.account(Role::Customer).await;
    let bob = bench.world.account(Role::Customer).await;
    let rejected = Err(PortError::Rejected(AccountRejection::SessionEnded));
    for session in [bench.world.session(bob).await, Uuid::now_v7()] {
        assert_eq!(bench.account(ada, Some(session)).await, rejected);
    }
}

async fn tells_an_address_and_whether_it_is_the_default(bench: &Bench<impl UsersWorld>) {
    let ada = bench.world.account(Role::Customer).await;
    let (one, other) = (
        bench.world.address(ada).await,
        bench.world.address(ada).await,
    );
    assert_eq!(bench.address(ada, one).await, Ok(home(one)));
    for (default, other) in [(one, other), (other, one)] {
        bench.world.make_default(ada, default).await;
        let is_default = true;
        let address = Address {
            is_default,
            ..home(default)
        };
        assert_eq!(bench.address(ada, default).await, Ok(address));
        assert_eq!(bench.address(ada, other).await, Ok(home(other)));
    }
}

async fn an_address_that_is_unknown_or_somebody_elses_is_rejected(bench: &Bench<impl UsersWorld>) {
    let ada = bench.world.account(Role::Customer).await;
    let bob = bench.world.account(Role::Admin).await;
    let home = bench.world.address(ada).await;
    let unknown = Err(PortError::Rejected(AddressRejection::UnknownAddress));
    for (user, address) in [(ada, Uuid::now_v7()), (bob, home), (Uuid::now_v7(), home)] {
        assert_eq!(bench.address(user, address).await, unknown);
    }
    assert!(bench.address(ada, home).await.is_ok());
}

async fn answers_a_hundred_at_once(bench: &Bench<impl UsersWorld>) {
    let ada = bench.world.account(Role::Customer).await;
    let answers = join_all((0..100).map(|_| bench.account(ada, None))).await;
    let one = bench.account(ada, None).await;
    assert!(one.is_ok());
    assert!(answers.iter().all(|answer| *answer == one), "{answers:?}");
}
