-- Events of other modules that had their effect, written in the transaction of the effect. Rows are
-- deleted when no repetition can come any more.
create table inbox (
    event_id uuid not null,
    handled_at timestamptz not null default now(),
    constraint inbox_pkey primary key (event_id)
);

create index inbox_handled on inbox (handled_at);
