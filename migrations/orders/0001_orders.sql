create table orders (
    id uuid not null,
    number text not null,
    user_id uuid not null,
    status text not null,
    currency text not null,
    total_minor bigint not null,
    note text,
    -- How many rows of history there are; the next one takes its number from here.
    steps integer not null default 1,
    reservation_id uuid not null,
    idempotency_key text,
    -- SHA-256 of the request that the key was first used with.
    request_hash bytea,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint orders_pkey primary key (id),
    constraint orders_number_key unique (number),
    constraint orders_idempotency_key unique (user_id, idempotency_key),
    constraint orders_status_check check (status in ('placed', 'paid', 'shipped', 'delivered', 'cancelled')),
    constraint orders_currency_check check (currency ~ '^[A-Z]{3}$'),
    constraint orders_total_check check (total_minor >= 0),
    constraint orders_note_check check (char_length(note) <= 1000),
    constraint orders_request_hash_check check ((idempotency_key is null) = (request_hash is null))
);

create index orders_newest on orders (id desc);
create index orders_of_user on orders (user_id, id desc);
create index orders_of_status on orders (status, id desc);

create table order_items (
    order_id uuid not null,
    line integer not null,
    product_id uuid not null,
    sku text not null,
    name text not null,
    quantity bigint not null,
    unit_price_minor bigint not null,
    constraint order_items_pkey primary key (order_id, line),
    constraint order_items_order_fkey foreign key (order_id) references orders (id) on delete cascade,
    constraint order_items_quantity_check check (quantity > 0),
    constraint order_items_price_check check (unit_price_minor >= 0)
);

create table order_history (
    order_id uuid not null,
    step integer not null,
    status text not null,
    reason text,
    created_at timestamptz not null default now(),
    constraint order_history_pkey primary key (order_id, step),
    constraint order_history_order_fkey foreign key (order_id) references orders (id) on delete cascade,
    constraint order_history_status_check check (status in ('placed', 'paid', 'shipped', 'delivered', 'cancelled')),
    constraint order_history_reason_check check (char_length(reason) <= 500)
);
