use super::Case;

pub const SEED: &str = "
    insert into categories (id, name, slug) values (gen_random_uuid(), 'Home', 'home');
    insert into products (id, sku, name, price_minor, currency, search, category_id)
    select gen_random_uuid(), 'SOFA', 'Sofa', 1, 'EUR', '', id from categories;
    insert into stock (product_id, on_hand, reserved) select id, 5, 1 from products;
    insert into stock_movements (product_id, delta, reason) select id, 5, 'initial' from products;
    insert into search_words (word, variant) values ('sofa', 'sofa');
    insert into media_leftovers values ('0197f2f0a1b07c3e9d2b4c5d6e7f8091.png', now());
    insert into reservations (id, state, expires_at) values (gen_random_uuid(), 'held', now());
    insert into reservation_lines
        (reservation_id, product_id, quantity, sku, name, unit_price_minor, currency)
    select r.id, p.id, 1, sku, name, 1, 'EUR' from reservations r, products p";

pub const CASES: &[Case] = &[
    (
        "categories_pkey",
        "insert into categories select * from categories",
    ),
    (
        "categories_slug_key",
        "insert into categories (id, name, slug) values (gen_random_uuid(), 'Home', 'home')",
    ),
    (
        "categories_parent_fkey",
        "update categories set parent_id = gen_random_uuid()",
    ),
    (
        "category_tree_pkey",
        "insert into category_tree default values",
    ),
    (
        "category_tree_check",
        "update category_tree set is_whole = false",
    ),
    ("categories_name_check", "update categories set name = ''"),
    (
        "categories_name_check",
        "update categories set name = repeat('a', 201)",
    ),
    (
        "categories_slug_check",
        "update categories set slug = 'two words'",
    ),
    ("categories_slug_check", "update categories set slug = '-a'"),
    (
        "products_pkey",
        "insert into products (id, sku, name, price_minor, currency, search) select id, 'B', 'B', 1, 'EUR', '' from products",
    ),
    (
        "products_sku_key",
        "insert into products (id, sku, name, price_minor, currency, search) values (gen_random_uuid(), 'SOFA', 'B', 1, 'EUR', '')",
    ),
    (
        "products_category_fkey",
        "update products set category_id = gen_random_uuid()",
    ),
    ("products_category_fkey", "delete from categories"),
    ("products_sku_check", "update products set sku = ''"),
    (
        "products_sku_check",
        "update products set sku = repeat('a', 101)",
    ),
    ("products_name_check", "update products set name = ''"),
    (
        "products_name_check",
        "update products set name = repeat('a', 301)",
    ),
    (
        "products_description_check",
        "update products set description = repeat('a', 50001)",
    ),
    ("products_handle_check", "update products set handle = ''"),
    (
        "products_handle_check",
        "update products set handle = repeat('a', 201)",
    ),
    (
        "products_price_check",
        "update products set price_minor = -1",
    ),
    (
        "products_price_check",
        "update products set price_minor = 1000000000001",
    ),
    ("products_images_check", "update products set images = '{}'"),
    (
        "products_images_check",
        "update products set images = (select jsonb_agg(n) from generate_series(1, 51) n)",
    ),
    (
        "media_leftovers_pkey",
        "insert into media_leftovers select * from media_leftovers",
    ),
    (
        "media_leftovers_key_check",
        "update media_leftovers set key = '../../etc/passwd'",
    ),
    (
        "products_currency_check",
        "update products set currency = 'eur'",
    ),
    (
        "products_attributes_check",
        "update products set attributes = '[]'",
    ),
    (
        "products_attributes_check",
        "update products set attributes = '{\"size\": 42}'",
    ),
    ("stock_pkey", "insert into stock select * from stock"),
    (
        "stock_product_fkey",
        "insert into stock (product_id) values (gen_random_uuid())",
    ),
    (
        "stock_on_hand_check",
        "update stock set on_hand = -1, reserved = -1",
    ),
    (
        "stock_on_hand_check",
        "update stock set on_hand = 1000000000001",
    ),
    ("stock_reserved_check", "update stock set reserved = -1"),
    ("stock_available_check", "update stock set reserved = 6"),
    ("stock_available_check", "update stock set on_hand = 0"),
    (
        "stock_movements_pkey",
        "insert into stock_movements overriding system value select * from stock_movements",
    ),
    (
        "stock_movements_delta_check",
        "update stock_movements set delta = 0",
    ),
    (
        "stock_movements_reason_check",
        "update stock_movements set reason = ''",
    ),
    (
        "stock_movements_reason_check",
        "update stock_movements set reason = repeat('a', 201)",
    ),
    (
        "stock_movements_order_key",
        "insert into stock_movements (product_id, delta, reason, order_id) select id, -1, 'shipped', id from products, generate_series(1, 2)",
    ),
    (
        "search_words_pkey",
        "insert into search_words overriding system value select * from search_words",
    ),
    (
        "reservations_pkey",
        "insert into reservations select * from reservations",
    ),
    (
        "reservations_state_check",
        "update reservations set state = 'lost', expires_at = null, order_id = gen_random_uuid()",
    ),
    (
        "reservations_expiry_check",
        "update reservations set expires_at = null",
    ),
    (
        "reservations_expiry_check",
        "update reservations set state = 'closed', closed_as = 'released', order_id = gen_random_uuid()",
    ),
    (
        "reservations_closed_as_check",
        "update reservations set state = 'closed', closed_as = 'lost', order_id = gen_random_uuid(), expires_at = null",
    ),
    (
        "reservations_closed_check",
        "update reservations set closed_as = 'shipped'",
    ),
    (
        "reservations_order_check",
        "update reservations set order_id = gen_random_uuid()",
    ),
    (
        "reservations_order_check",
        "update reservations set state = 'allocated', expires_at = null",
    ),
    (
        "reservation_lines_pkey",
        "insert into reservation_lines select * from reservation_lines",
    ),
    (
        "reservation_lines_reservation_fkey",
        "update reservation_lines set reservation_id = gen_random_uuid()",
    ),
    (
        "reservation_lines_stock_fkey",
        "update reservation_lines set product_id = gen_random_uuid()",
    ),
    ("reservation_lines_stock_fkey", "delete from stock"),
    (
        "reservation_lines_quantity_check",
        "update reservation_lines set quantity = 0",
    ),
    (
        "sold_out_pkey",
        "insert into sold_out select product_id from stock, generate_series(1, 2)",
    ),
    (
        "sold_out_stock_fkey",
        "insert into sold_out values (gen_random_uuid())",
    ),
];
