-- What a step is known by elsewhere: the number of a payment or of a parcel.
alter table order_history add column reference text;
alter table order_history
    add constraint order_history_reference_check check (char_length(reference) between 1 and 200);

-- Orders that wait for their payment, those that wait longest first.
create index orders_unpaid on orders (created_at) where status = 'placed';
