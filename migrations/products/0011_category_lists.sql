-- The products of a category in each order that a list may have: one that is rare where a list of all
-- begins would be looked for among all of them.
create index products_category_newest on products (category_id, created_at, id)
    where category_id is not null;
create index products_category_price on products (category_id, price_minor, id)
    where category_id is not null;
create index products_category_name on products (category_id, name collate "und-x-icu", id)
    where category_id is not null;
drop index products_category;
