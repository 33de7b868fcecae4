//! The tables by which events travel, the same in each database that has them.

use super::{Case, Tables};

pub const OUTBOX: Tables = (
    "insert into outbox (event_id, subscriber, aggregate_id, event)
     values (gen_random_uuid(), 'products', gen_random_uuid(), '{}')",
    OUTBOX_CASES,
);

pub const INBOX: Tables = (
    "insert into inbox (event_id) values (gen_random_uuid())",
    INBOX_CASES,
);

const OUTBOX_CASES: &[Case] = &[
    (
        "outbox_pkey",
        "insert into outbox overriding system value select * from outbox",
    ),
    (
        "outbox_event_key",
        "insert into outbox (event_id, subscriber, aggregate_id, event) select event_id, subscriber, aggregate_id, event from outbox",
    ),
    ("outbox_attempts_check", "update outbox set attempts = -1"),
];

const INBOX_CASES: &[Case] = &[("inbox_pkey", "insert into inbox select * from inbox")];
