use super::Case;

pub const SEED: &str = "
    insert into orders
        (id, number, user_id, status, currency, total_minor, reservation_id, idempotency_key, request_hash)
    values (gen_random_uuid(), 'A-1', gen_random_uuid(), 'placed', 'EUR', 1, gen_random_uuid(), 'key', 'hash');
    insert into order_items (order_id, line, product_id, sku, name, quantity, unit_price_minor)
    select id, 1, gen_random_uuid(), 'SOFA', 'Sofa', 1, 1 from orders;
    insert into order_history (order_id, step, status) select id, 1, 'placed' from orders;
    insert into webhooks (id, url, secret)
    values (gen_random_uuid(), 'https://erp.example/', repeat('a', 32)::bytea);
    insert into webhook_deliveries (webhook_id, event_id, order_id, step, type)
    select webhooks.id, gen_random_uuid(), orders.id, 1, 'order.placed' from orders, webhooks;
    insert into erased_users (user_id) select user_id from orders;
    insert into cart_items
        (user_id, product_id, slot, quantity, revision, sku, name, unit_price_minor)
    select user_id, gen_random_uuid(), 1, 1, gen_random_uuid(), 'SOFA', 'Sofa', 1 from orders";

pub const CASES: &[Case] = &[
    ("orders_pkey", "insert into orders select * from orders"),
    (
        "orders_number_key",
        "insert into orders select (jsonb_populate_record(orders, jsonb_build_object('id', gen_random_uuid(), 'user_id', gen_random_uuid()))).* from orders",
    ),
    (
        "orders_idempotency_key",
        "insert into orders select (jsonb_populate_record(orders, jsonb_build_object('id', gen_random_uuid(), 'number', 'A-2'))).* from orders",
    ),
    ("orders_status_check", "update orders set status = 'lost'"),
    (
        "orders_currency_check",
        "update orders set currency = 'eur'",
    ),
    ("orders_total_check", "update orders set total_minor = -1"),
    (
        "orders_note_check",
        "update orders set note = repeat('a', 1001)",
    ),
    (
        "orders_request_hash_check",
        "update orders set request_hash = null",
    ),
    (
        "orders_request_hash_check",
        "update orders set idempotency_key = null",
    ),
    (
        "order_items_pkey",
        "insert into order_items select * from order_items",
    ),
    (
        "order_items_order_fkey",
        "update order_items set order_id = gen_random_uuid()",
    ),
    (
        "order_items_quantity_check",
        "update order_items set quantity = 0",
    ),
    (
        "order_items_price_check",
        "update order_items set unit_price_minor = -1",
    ),
    (
        "order_history_pkey",
        "insert into order_history select * from order_history",
    ),
    (
        "order_history_order_fkey",
        "update order_history set order_id = gen_random_uuid()",
    ),
    (
        "order_history_status_check",
        "update order_history set status = 'lost'",
    ),
    (
        "order_history_reason_check",
        "update order_history set reason = repeat('a', 501)",
    ),
    (
        "erased_users_pkey",
        "insert into erased_users select * from erased_users",
    ),
    (
        "order_history_reference_check",
        "update order_history set reference = ''",
    ),
    (
        "order_history_reference_check",
        "update order_history set reference = repeat('a', 201)",
    ),
    (
        "webhooks_pkey",
        "insert into webhooks select * from webhooks",
    ),
    ("webhooks_url_check", "update webhooks set url = ''"),
    (
        "webhooks_url_check",
        "update webhooks set url = repeat('a', 2049)",
    ),
    ("webhooks_events_check", "update webhooks set events = '{}'"),
    (
        "webhooks_events_check",
        "update webhooks set events = '{order.placed,order.lost}'",
    ),
    (
        "webhooks_secret_check",
        "update webhooks set secret = repeat('a', 23)::bytea",
    ),
    (
        "webhooks_disabled_check",
        "update webhooks set disabled_at = now()",
    ),
    (
        "webhooks_disabled_check",
        "update webhooks set disabled_at = now(), disabled_reason = 'dull'",
    ),
    (
        "webhook_deliveries_pkey",
        "insert into webhook_deliveries select * from webhook_deliveries",
    ),
    (
        "webhook_deliveries_over_check",
        "update webhook_deliveries set delivered_at = now()",
    ),
    (
        "webhook_deliveries_attempts_check",
        "update webhook_deliveries set attempts = '{}'",
    ),
    (
        "cart_items_pkey",
        "insert into cart_items select (jsonb_populate_record(cart_items, jsonb_build_object('slot', 2))).* from cart_items",
    ),
    (
        "cart_items_slot_key",
        "insert into cart_items select (jsonb_populate_record(cart_items, jsonb_build_object('product_id', gen_random_uuid()))).* from cart_items",
    ),
    ("cart_items_slot_check", "update cart_items set slot = 0"),
    ("cart_items_slot_check", "update cart_items set slot = 101"),
    (
        "cart_items_quantity_check",
        "update cart_items set quantity = 0",
    ),
    (
        "cart_items_quantity_check",
        "update cart_items set quantity = 1000001",
    ),
    (
        "cart_items_price_check",
        "update cart_items set unit_price_minor = -1",
    ),
];
