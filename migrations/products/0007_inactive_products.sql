-- For administrators who look for what is not on sale: few among many.
create index products_inactive on products (created_at, id) where not is_active;
