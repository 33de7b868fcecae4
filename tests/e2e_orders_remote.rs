//! Those of the end-to-end tests that meet at the boundary of orders, that module in another process
//! than the other two: whom and what it asks, what it is told and tells, and streams that do not
//! end. What stays within one module runs where all are local and where all are remote, and is not
//! asked again here.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod e2e {
    pub(crate) mod support;

    mod holds;
    mod outages;
    mod outbox;
    mod http {
        mod authorization;
        mod shutdown;
    }
    mod orders {
        mod cart;
        mod events;
        mod payment_window;
        mod place;
        mod shipping;
        mod unconfirmed;
    }
    mod races {
        mod cancels;
        mod events;
        mod keys;
        mod steps;
    }
    mod users {
        mod deletion;
        mod lockout;
    }
}

use e2e::support;
