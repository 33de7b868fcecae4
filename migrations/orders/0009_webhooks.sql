-- Where operators want to hear of orders. Without `events`: of everything, also what is yet to come.
create table webhooks (
    id uuid not null,
    url text not null,
    events text[],
    -- Signs each delivery, so it must be readable. It is shown once, when it is made.
    secret bytea not null,
    created_at timestamptz not null default now(),
    -- Since when every attempt has failed.
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    constraint webhooks_pkey primary key (id),
    constraint webhooks_url_check check (char_length(url) between 1 and 2048),
    constraint webhooks_events_check check (
        cardinality(events) > 0 and events <@ array[
            'order.placed', 'order.paid', 'order.shipped', 'order.delivered', 'order.cancelled']),
    constraint webhooks_secret_check check (octet_length(secret) between 24 and 64),
    constraint webhooks_disabled_check check (
        (disabled_at is null and disabled_reason is null)
        or (disabled_at is not null and disabled_reason is not null
            and disabled_reason in ('gone', 'failing')))
);

-- One row for each event and webhook, written by the statement that changes the order; it has no
-- payload, which is made of the order when it is sent. No foreign key to the webhook: everybody who
-- places an order would have to lock that one row. What is left of a deleted webhook is claimed by
-- nobody, and goes with its age.
create table webhook_deliveries (
    webhook_id uuid not null,
    event_id uuid not null,
    order_id uuid not null,
    -- Of the order's history.
    step integer not null,
    type text not null,
    created_at timestamptz not null default now(),
    -- The next attempt, or the end of the lease of the one under way; null when it is over.
    due_at timestamptz default now(),
    delivered_at timestamptz,
    -- Outcomes, oldest first: {at, status_code, error, duration_ms}.
    attempts jsonb not null default '[]',
    constraint webhook_deliveries_pkey primary key (webhook_id, event_id),
    constraint webhook_deliveries_over_check check (due_at is null or delivered_at is null),
    constraint webhook_deliveries_attempts_check check (jsonb_typeof(attempts) = 'array')
);

create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at) where due_at is not null;
create index webhook_deliveries_age on webhook_deliveries (created_at);

-- Each delivery leaves dead rows; see the outbox.
alter table webhook_deliveries set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
