-- Stock lives apart from the product: it changes with every order, the product seldom.
create table stock (
    product_id uuid not null,
    on_hand bigint not null default 0,
    reserved bigint not null default 0,
    constraint stock_pkey primary key (product_id),
    constraint stock_product_fkey foreign key (product_id) references products (id) on delete cascade,
    constraint stock_on_hand_check check (on_hand between 0 and 1000000000000),
    constraint stock_reserved_check check (reserved >= 0),
    constraint stock_available_check check (reserved <= on_hand)
) with (fillfactor = 60);

-- Why `on_hand` moved: its value is the sum of these.
create table stock_movements (
    id bigint generated always as identity,
    product_id uuid not null,
    delta bigint not null,
    reason text not null,
    actor uuid,
    created_at timestamptz not null default now(),
    constraint stock_movements_pkey primary key (id),
    constraint stock_movements_product_fkey foreign key (product_id) references products (id) on delete cascade,
    constraint stock_movements_delta_check check (delta <> 0),
    constraint stock_movements_reason_check check (char_length(reason) between 1 and 200)
);

create index stock_movements_product on stock_movements (product_id, id);

-- held: expires unless its order comes. allocated: belongs to an open order. closed: its order is
-- over, and no event that comes late can take stock for it again. A hold that is given back or
-- expires is deleted.
create table reservations (
    id uuid not null,
    state text not null,
    order_id uuid,
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint reservations_pkey primary key (id),
    constraint reservations_state_check check (state in ('held', 'allocated', 'closed')),
    constraint reservations_expiry_check check ((state = 'held') = (expires_at is not null)),
    constraint reservations_order_check check ((state = 'held') = (order_id is null))
);

create index reservations_expiry on reservations (expires_at) where state = 'held';

-- Lines exist as long as they hold stock: `stock.reserved` is the sum of their quantities.
create table reservation_lines (
    reservation_id uuid not null,
    product_id uuid not null,
    quantity bigint not null,
    sku text not null,
    name text not null,
    unit_price_minor bigint not null,
    currency text not null,
    constraint reservation_lines_pkey primary key (reservation_id, product_id),
    constraint reservation_lines_reservation_fkey foreign key (reservation_id) references reservations (id) on delete cascade,
    constraint reservation_lines_stock_fkey foreign key (product_id) references stock (product_id),
    constraint reservation_lines_quantity_check check (quantity > 0)
);
