-- What is held of a product, summed from the index alone; also for the foreign key, when a product
-- is deleted.
create index reservation_lines_product on reservation_lines (product_id) include (quantity);

-- So is what is on hand.
drop index stock_movements_product;
create index stock_movements_product on stock_movements (product_id, id) include (delta);
