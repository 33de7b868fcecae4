-- What is held of a product; also for the foreign key, when a product is deleted.
create index reservation_lines_product on reservation_lines (product_id);
