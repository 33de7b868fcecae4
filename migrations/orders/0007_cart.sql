-- Where an order goes: the address as it was when the order was placed.
alter table orders add column shipping_address jsonb;

create table cart_items (
    user_id uuid not null,
    product_id uuid not null,
    -- One of the places of a cart, which has as many as an order may have lines.
    slot smallint not null,
    quantity bigint not null,
    -- New whenever the line is put in: a checkout takes the line that it has read, or none.
    revision uuid not null,
    -- What the product was when the line was put in.
    sku text not null,
    name text not null,
    unit_price_minor bigint not null,
    created_at timestamptz not null default now(),
    constraint cart_items_pkey primary key (user_id, product_id),
    constraint cart_items_slot_key unique (user_id, slot),
    constraint cart_items_slot_check check (slot between 1 and 100),
    constraint cart_items_quantity_check check (quantity between 1 and 1000000),
    constraint cart_items_price_check check (unit_price_minor >= 0)
);
