//! Those of the end-to-end tests that meet at the boundary of products, that module in another
//! process than the other two: what things cost, how stock is held and given back, and bodies that
//! are too large to keep on their way. What stays within one module runs where all are local and
//! where all are remote, and is not asked again here.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod e2e {
    pub(crate) mod support;

    mod holds;
    mod outages;
    mod outbox;
    mod races;
    mod http {
        mod shutdown;
    }
    mod orders {
        mod cart;
        mod payment_window;
        mod place;
        mod unconfirmed;
    }
    mod products {
        mod export;
        mod images;
        mod stock;
    }
    mod users {
        mod lockout;
    }
}

use e2e::support;
