//! The catalogue as a file, and back.

use std::collections::BTreeMap;

use cleave::settings::Module;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Blocker, Customer, TestShop, eventually};

const KINDS: [(&str, &str); 2] = [("ndjson", "application/x-ndjson"), ("csv", "text/csv")];

async fn export(shop: &TestShop, admin: &Customer, format: &str) -> String {
    let path = format!("/products/export?format={format}");
    let answer = shop.get_as(admin, &path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

async fn import(shop: &TestShop, admin: &Customer, kind: &str, file: String) -> Value {
    let report = try_import(shop, admin, kind, file).await;
    assert_eq!(report["rejected"], json!([]));
    report
}

async fn try_import(shop: &TestShop, admin: &Customer, kind: &str, file: String) -> Value {
    let request = shop.request(Method::POST, "/api/v1/products/import");
    let request = request.bearer_auth(&admin.token);
    let answer = shop.send(request.header("content-type", kind).body(file));
    answer.await.expect(200)
}

/// Everything about the products but their ids and times, by sku.
async fn catalogue(shop: &TestShop, admin: &Customer) -> BTreeMap<String, Value> {
    let mut products = BTreeMap::new();
    let mut next = String::new();
    loop {
        let page = shop
            .get_as(admin, &format!("/products?limit=100{next}"))
            .await
            .expect(200);
        for product in page["items"].as_array().unwrap() {
            let mut product = product.clone();
            for own in ["id", "created_at", "updated_at", "category_id"] {
                product.as_object_mut().unwrap().remove(own);
            }
            products.insert(product["sku"].as_str().unwrap().to_owned(), product);
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return products,
        }
    }
}

/// The tree without ids.
async fn tree(shop: &TestShop) -> Value {
    fn bare(category: &mut Value) {
        let category = category.as_object_mut().unwrap();
        category.remove("id");
        category.remove("parent_id");
        let children = category.get_mut("children").unwrap();
        children.as_array_mut().unwrap().iter_mut().for_each(bare);
    }
    let mut tree = shop.get("/categories").await.expect(200);
    tree["items"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(bare);
    tree
}

/// What files are hard on: each text as sku (where it may be one), name, description and attribute.
const TEXTS: [&str; 24] = [
    "plain",
    "=1+1",
    "'=1+1",
    "''-x",
    "+49 30",
    "-10 %",
    "@home",
    "'tis",
    "a,b;c",
    "\"quoted\"",
    "\"",
    "two\nlines",
    "two\r\nlines",
    "a\rb",
    "\ttab",
    "  spaces  ",
    "back\\slash",
    "{\"json\": [1]}",
    "null",
    "\u{feff}mark",
    "日本語 \u{1f6cb} e\u{301}",
    "\u{2028}x\u{2029}\u{85}y",
    "<b>&amp;</b>",
    "＝1",
];

async fn odd_products(shop: &TestShop, admin: &Customer) {
    for (number, text) in TEXTS.iter().enumerate() {
        let plain = text.trim() == *text && !text.chars().any(char::is_control);
        let product = json!({
            "sku": if plain { format!("{text}{number}") } else { format!("SKU-{number}") },
            "name": text,
            "description": text,
            "price": { "amount": number, "currency": "EUR" },
            "handle": if number % 2 == 0 { json!("-a_b.c") } else { Value::Null },
            "attributes": { *text: text, "b": "", "a": "x" },
            "is_active": number % 3 != 0,
            "stock": { "on_hand": number * 7 },
        });
        shop.post_as(admin, "/products", &product).await.expect(201);
    }
}

/// Categories whose names are hard on paths and whose slugs do not come from them.
async fn odd_categories(shop: &TestShop) {
    let mut db = shop.connect(Module::Products).await;
    sqlx::raw_sql(
        r"insert into categories (id, name, slug, parent_id)
          select id::uuid, name, slug, parent::uuid from (values
            ('00000000-0000-7000-8000-000000000001', 'Women', 'damen', null),
            ('00000000-0000-7000-8000-000000000002', 'a > b', 'tops', '00000000-0000-7000-8000-000000000001'),
            ('00000000-0000-7000-8000-000000000003', '  edges ', 'edges-2', '00000000-0000-7000-8000-000000000002'),
            ('00000000-0000-7000-8000-000000000004', 'back\slash\', 'x9', '00000000-0000-7000-8000-000000000003'),
            ('00000000-0000-7000-8000-000000000005', 'Women', 'women-in-women', '00000000-0000-7000-8000-000000000001'),
            ('00000000-0000-7000-8000-000000000006', '=SUM(A1)', 'sum', null)
          ) as made(id, name, slug, parent);
          update products set category_id = n.id
          from (select id, row_number() over (order by slug) as place from categories) n
          where products.price_minor % 7 = n.place",
    )
    .execute(&mut db)
    .await
    .unwrap();
}

#[tokio::test]
async fn an_export_makes_the_same_catalogue_in_an_empty_shop() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    odd_products(&shop, &admin).await;
    odd_categories(&shop).await;
    let (products, categories) = (catalogue(&shop, &admin).await, tree(&shop).await);
    assert_eq!(products.len(), TEXTS.len());
    for (format, kind) in KINDS {
        let file = export(&shop, &admin, format).await;
        let other = TestShop::open().await;
        let their_admin = other.admin().await;
        let report = import(&other, &their_admin, kind, file.clone()).await;
        assert_eq!(report["imported"], TEXTS.len());
        assert_eq!(catalogue(&other, &their_admin).await, products, "{format}");
        assert_eq!(tree(&other).await, categories, "{format}");
        assert_eq!(export(&other, &their_admin, format).await, file);
        // Again, and nothing changes.
        let again = import(&other, &their_admin, kind, file.clone()).await;
        assert_eq!(
            again,
            json!({ "imported": 0, "updated": TEXTS.len(), "rejected": [] })
        );
        assert_eq!(export(&other, &their_admin, format).await, file);
        other.close().await;
    }
    shop.close().await;
}

#[tokio::test]
async fn many_pages_come_in_order_and_whole() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let line = |number: usize| {
        let line = json!({
            "sku": format!("P{}", number * 7919 % 2503),
            "name": format!("Product {number}"),
            "price": { "amount": number, "currency": "EUR" },
            "category": format!("Shelf {} > Box {}", number % 10, number % 300),
        });
        format!("{line}\n")
    };
    let lines: String = (0..2503).map(line).collect();
    let report = import(&shop, &admin, "application/x-ndjson", lines).await;
    assert_eq!(report["imported"], 2503);
    let file = export(&shop, &admin, "ndjson").await;
    assert!(file.ends_with('\n'));
    let skus: Vec<Value> = file
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["sku"].clone())
        .collect();
    let wanted = (0..2503).map(|number| json!(format!("P{}", number * 7919 % 2503)));
    assert_eq!(skus, wanted.collect::<Vec<_>>());

    let other = TestShop::open().await;
    let their_admin = other.admin().await;
    import(&other, &their_admin, "application/x-ndjson", file.clone()).await;
    assert!(export(&other, &their_admin, "ndjson").await == file);
    other.close().await;
    shop.close().await;
}

#[tokio::test]
async fn a_file_is_what_it_says() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let ada = shop.customer("ada").await;
    assert_eq!(export(&shop, &admin, "ndjson").await, "");
    let header = "sku,name,description,price_amount,price_currency,category,category_slug,handle,\
                  attributes,is_active,on_hand\n";
    assert_eq!(export(&shop, &admin, "csv").await, header);
    shop.product(&admin, "=SOFA", 100, 5).await;
    for (format, kind) in KINDS {
        let answer = shop
            .get_as(&admin, &format!("/products/export?format={format}"))
            .await;
        assert_eq!(answer.header("content-type"), Some(kind));
        let name = format!("attachment; filename=\"products.{format}\"");
        assert_eq!(answer.header("content-disposition"), Some(name.as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let csv = export(&shop, &admin, "csv").await;
    assert_eq!(
        csv,
        format!("{header}'=SOFA,Product =SOFA,,100,EUR,,,,{{}},true,5\n")
    );
    let by_default = shop.get_as(&admin, "/products/export").await;
    let line: Value = serde_json::from_str(&by_default.text).unwrap();
    assert_eq!(
        line,
        json!({
            "sku": "=SOFA", "name": "Product =SOFA", "description": "",
            "price": { "amount": 100, "currency": "EUR" }, "category": null, "handle": null,
            "attributes": {}, "is_active": true, "stock": { "on_hand": 5 },
        })
    );

    for format in ["xml", "", "NDJSON"] {
        let path = format!("/products/export?format={format}");
        shop.get_as(&admin, &path).await.expect_invalid("format");
    }
    shop.get("/products/export")
        .await
        .expect_problem(401, "missing_token");
    let customer: Answer = shop.get_as(&ada, "/products/export?format=xml").await;
    customer.expect_problem(403, "forbidden");
    shop.close().await;
}

/// More than sockets hold, so that the shop cannot be done before its client reads.
async fn many_large_products(shop: &TestShop) {
    let mut db = shop.connect(Module::Products).await;
    sqlx::raw_sql(
        "with made as (
            insert into products (id, sku, name, description, price_minor, currency, search)
            select lpad(to_hex(n), 32, '0')::uuid, 'P' || n, 'Product', repeat('x', 20000), 1, 'EUR', ''
            from generate_series(1, 2000) n
            returning id
        )
        insert into stock (product_id, on_hand) select id, 1 from made",
    )
    .execute(&mut db)
    .await
    .unwrap();
}

async fn begun(shop: &TestShop, admin: &Customer) -> reqwest::Response {
    let request = shop.request(Method::GET, "/api/v1/products/export");
    let mut answer = request.bearer_auth(&admin.token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.chunk().await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn an_export_is_of_one_moment() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    many_large_products(&shop).await;
    let answer = begun(&shop, &admin).await;
    let mut db = shop.connect(Module::Products).await;
    sqlx::query("update products set price_minor = 2")
        .execute(&mut db)
        .await
        .unwrap();
    let rest = answer.text().await.unwrap();
    let last: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    assert_eq!(last["sku"], "P2000");
    assert_eq!(last["price"]["amount"], 1);
    shop.close().await;
}

#[tokio::test]
async fn an_export_that_breaks_off_does_not_look_whole() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    many_large_products(&shop).await;
    let answer = begun(&shop, &admin).await;
    let mut db = shop.connect(Module::Products).await;
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
    )
    .execute(&mut db)
    .await
    .unwrap();
    assert!(answer.text().await.is_err());
    shop.close().await;
}

#[tokio::test]
async fn so_many_exports_at_a_time() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    many_large_products(&shop).await;
    // Each of two processes may have its two.
    let mut under_way = Vec::new();
    let refused = loop {
        let request = shop.request(Method::GET, "/api/v1/products/export");
        let answer = request.bearer_auth(&admin.token).send().await.unwrap();
        if answer.status() != 200 {
            break Answer::read(answer).await;
        }
        under_way.push(answer);
        assert!(under_way.len() <= 4);
    };
    assert!(under_way.len() >= 2);
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(429, "too_many_exports");
    // Whoever leaves makes room.
    drop(under_way);
    eventually("there is room", async || {
        let request = shop.request(Method::GET, "/api/v1/products/export");
        let answer = request.bearer_auth(&admin.token).send().await.unwrap();
        answer.status() == 200
    })
    .await;
    shop.close().await;
}

#[tokio::test]
async fn a_line_that_is_rejected_leaves_no_category_behind() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 100, 5).await;
    shop.product(&admin, "LAMP", 100, 5).await;
    shop.place_order(&admin, &[(&sofa, 3)]).await.expect(201);
    let file = "sku,name,price_amount,category,on_hand\n\
        SOFA,Sofa,100,Home > Sofas,2\n\
        LAMP,Lamp,100,Home > Lamps,2\n\
        NEW,,100,Home > News,2\n";
    let report = try_import(&shop, &admin, "text/csv", file.to_owned()).await;
    let rejected = report["rejected"].as_array().unwrap().iter();
    let mut lines: Vec<_> = rejected.map(|one| one["line"].as_u64()).collect();
    lines.sort_unstable();
    assert_eq!(lines, [Some(2), Some(4)], "{report}");
    assert!(report["rejected"].to_string().contains("below the 3"));
    assert_eq!(report["updated"], 1);
    let lamps = json!({ "name": "Lamps", "slug": "lamps", "children": [] });
    let home = json!([{ "name": "Home", "slug": "home", "children": [lamps] }]);
    assert_eq!(tree(&shop).await["items"], home);
    assert_eq!(shop.stock(&sofa).await, (5, 3, 2));
    shop.close().await;
}

/// The SKU is made by another transaction, which commits once the import waits for it.
#[tokio::test]
async fn a_product_that_is_made_meanwhile_is_updated() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let made = "insert into products (id, sku, name, price_minor, currency, search)
        values ('0197f2f0-a1b0-7c3e-9d2b-4c5d6e7f8091', 'SOFA', 'Couch', 1, 'EUR', '');
        insert into stock (product_id, on_hand) select id, 2 from products;
        insert into stock_movements (product_id, delta, reason) select id, 2, 'initial' from products";
    let mut blocker = Blocker::hold(shop.databases.of(Module::Products), made).await;
    let line = |sku: &str| {
        let price = json!({ "amount": 50_000, "currency": "EUR" });
        json!({ "sku": sku, "name": "Sofa", "price": price, "stock": { "on_hand": 5 } })
    };
    let file = format!("{}\n{}\n", line("LAMP"), line("SOFA"));
    let (report, ()) = tokio::join!(import(&shop, &admin, "application/x-ndjson", file), async {
        blocker.victims(1).await;
        blocker.release().await;
    },);
    assert_eq!(
        (&report["imported"], &report["updated"]),
        (&json!(1), &json!(1))
    );
    let found = shop.get_as(&admin, "/products?q=sofa").await.expect(200);
    let found: Vec<(&Value, &Value)> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|product| (&product["name"], &product["stock"]["on_hand"]))
        .collect();
    assert!(found.contains(&(&json!("Sofa"), &json!(5))), "{found:?}");
    assert_eq!(found.len(), 2);
    shop.expect_balanced_books().await;
    shop.close().await;
}
