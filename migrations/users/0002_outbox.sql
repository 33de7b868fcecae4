-- One row for each event and subscriber, written in the transaction of the change, deleted when
-- the subscriber has accepted it.
create table outbox (
    id bigint generated always as identity,
    event_id uuid not null,
    subscriber text not null,
    aggregate_id uuid not null,
    event jsonb not null,
    attempts integer not null default 0,
    due_at timestamptz not null default now(),
    parked_at timestamptz,
    last_error text,
    created_at timestamptz not null default now(),
    constraint outbox_pkey primary key (id),
    constraint outbox_event_key unique (event_id, subscriber),
    constraint outbox_attempts_check check (attempts >= 0)
);

create index outbox_due on outbox (due_at, id) where parked_at is null;
create index outbox_aggregate on outbox (subscriber, aggregate_id, id);
