-- How a reservation's order ended: its stock came back, or left the house. Older releases closed
-- without a word, which means that the stock came back.
alter table reservations add column closed_as text;
alter table reservations
    add constraint reservations_closed_as_check check (closed_as in ('released', 'shipped')),
    add constraint reservations_closed_check check (closed_as is null or state = 'closed');

-- The order whose goods left; each of its products leaves once.
alter table stock_movements add column order_id uuid;
create unique index stock_movements_order_key on stock_movements (order_id, product_id)
    where order_id is not null;
