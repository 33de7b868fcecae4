//! Lists of a catalogue that is large enough for what is frequent to be looked for in the list's
//! order, and not by an index: they have the same products in the same order.

use cleave::settings::Module;
use iso_currency::Currency;
use platform::Pool;
use products::demo::load_demo;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::support::TestShop;

const PRODUCTS: u64 = 24_000;

/// What a client asks for, and the condition of which products that is.
const LISTS: [(&str, &str); 9] = [
    ("q=a", "search @@ '''=a'':* | ''a'':*'"),
    (
        "q=of%20a",
        "search @@ '(''=of'' | ''of'') & (''=a'':* | ''a'':*)'",
    ),
    // Each is frequent; both together might be rare.
    (
        "q=by%20for",
        "search @@ '(''=by'' | ''by'') & (''=for'':* | ''for'':*)'",
    ),
    // Every word is mistyped.
    ("q=smaql", "search @@ '''=small'':* | ''small'':*'"),
    ("min_price=100", "price_minor >= 100"),
    (
        "max_price=6000&q=a",
        "price_minor <= 6000 and search @@ '''=a'':* | ''a'':*'",
    ),
    (
        "in_stock=true&q=a",
        "available and search @@ '''=a'':* | ''a'':*'",
    ),
    (
        "category=home&min_price=100&in_stock=true",
        "home and available and price_minor >= 100",
    ),
    (
        "category=home&q=a",
        "home and search @@ '''=a'':* | ''a'':*'",
    ),
];

const SORTS: [(&str, &str); 4] = [
    ("newest", "created_at desc, id desc"),
    ("price", "price_minor, id"),
    ("-price", "price_minor desc, id desc"),
    ("name", r#"name collate "und-x-icu", id"#),
];

#[tokio::test]
async fn what_is_frequent_is_listed_as_what_is_rare() {
    let shop = TestShop::open().await;
    let pool = PgPool::connect_with(shop.databases.of(Module::Products));
    let pool = Pool::from(pool.await.unwrap());
    load_demo(&pool, Currency::EUR, PRODUCTS, 1, |_| {})
        .await
        .unwrap();
    // The cheapest are hidden, so that a list by price begins with many that are not to be shown.
    for statement in [
        "update products set is_active = false where price_minor <
            (select percentile_disc(0.3) within group (order by price_minor) from products)",
        "update stock set on_hand = 0 where product_id in
            (select id from products where price_minor % 3 = 0)",
        "analyze products",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    let mut db = shop.connect(Module::Products).await;
    for (list, condition) in LISTS {
        for (sort, order) in SORTS {
            let query = format!("{list}&sort={sort}");
            let (listed, stored) = (
                first(&shop, &query).await,
                of(&mut db, condition, order).await,
            );
            assert!(stored.len() > 50, "{query}");
            assert_eq!(listed, stored, "{query}");
        }
    }
}

/// The products of the first pages.
async fn first(shop: &TestShop, query: &str) -> Vec<String> {
    let mut skus = Vec::new();
    let mut cursor = String::new();
    for _ in 0..3 {
        let path = format!("/products?limit=50&{query}{cursor}");
        let page = shop.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap().iter();
        skus.extend(items.map(|item| item["sku"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    skus
}

async fn of(db: &mut PgConnection, condition: &str, order: &str) -> Vec<String> {
    let sql = format!(
        "with recursive tree as (
            select id from categories where slug = 'home'
            union all select c.id from categories c join tree t on c.parent_id = t.id
        )
        select sku from (
            select p.*, s.on_hand > s.reserved as available,
                category_id in (select id from tree) as home
            from products p join stock s on s.product_id = p.id
        ) p
        where is_active and {condition} order by {order} limit 150"
    );
    // It is made of the constants above.
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(db)
        .await
        .unwrap()
}
