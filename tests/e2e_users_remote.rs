//! Those of the end-to-end tests that meet at the boundary of users, that module in another process
//! than the other two: who somebody is, where they live, and that they are gone. What stays within
//! one module runs where all are local and where all are remote, and is not asked again here.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod e2e {
    pub(crate) mod support;

    mod outages;
    mod outbox;
    mod http {
        mod authorization;
    }
    mod orders {
        mod events;
        mod lists;
        mod place;
        mod shipping;
    }
    mod users {
        mod deletion;
        mod keys;
        mod lockout;
        mod sessions;
    }
}

use e2e::support;
