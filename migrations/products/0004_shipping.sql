-- How a reservation's order ended: its stock came back, or left the house. A replica of an older
-- release closes without a word, which means that the stock came back.
alter table reservations add column closed_as text;
update reservations set closed_as = 'released' where state = 'closed';
alter table reservations
    add constraint reservations_closed_as_check check (closed_as in ('released', 'shipped')),
    add constraint reservations_closed_check check (closed_as is null or state = 'closed');

-- The order whose goods left; each of its products leaves once.
alter table stock_movements add column order_id uuid;
create unique index stock_movements_order_key on stock_movements (order_id, product_id)
    where order_id is not null;
