-- Products of which none can be had: usually few among many, and not to be found in `stock` without
-- reading all of it. An index there would have to be changed with every order; this is when the last
-- piece goes, or one comes back.
create table sold_out (
    product_id uuid not null,
    constraint sold_out_pkey primary key (product_id),
    constraint sold_out_stock_fkey foreign key (product_id) references stock (product_id) on delete cascade
);

create function note_sold_out() returns trigger
    language plpgsql
as $$
begin
    if new.on_hand > new.reserved then
        delete from sold_out where product_id = new.product_id;
    else
        insert into sold_out (product_id) values (new.product_id) on conflict do nothing;
    end if;
    return null;
end
$$;

create trigger stock_insert_sold_out after insert on stock
    for each row when (new.on_hand <= new.reserved) execute function note_sold_out();
create trigger stock_update_sold_out after update on stock
    for each row when ((new.on_hand > new.reserved) <> (old.on_hand > old.reserved))
    execute function note_sold_out();

-- No order may change what is sold out between the triggers and this.
lock table stock in share row exclusive mode;
insert into sold_out select product_id from stock where on_hand <= reserved;
