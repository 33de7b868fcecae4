-- A product is never deleted, and a movement is written by who has just made or locked its stock,
-- which has a foreign key: another one here would only look the same product up once more.
alter table stock_movements drop constraint stock_movements_product_fkey;

-- They are read by product; one index serves as well as two.
create unique index stock_movements_key on stock_movements (product_id, id) include (delta);
alter table stock_movements drop constraint stock_movements_pkey;
alter table stock_movements
    add constraint stock_movements_pkey primary key using index stock_movements_key;
drop index stock_movements_product;
