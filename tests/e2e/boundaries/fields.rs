use reqwest::Method;
use serde_json::{Value, json};

use crate::support::PASSWORD;

/// The last value that a field takes, and the first that it refuses.
pub struct Field {
    pub method: Method,
    pub path: String,
    pub body: Value,
    /// JSON pointer of the field, and its name in a problem.
    pub pointer: &'static str,
    pub name: &'static str,
    pub taken: Value,
    pub refused: Value,
}

pub fn letters(count: usize) -> Value {
    "é".repeat(count).into()
}

fn registration() -> Value {
    json!({ "email": "a#@example.com", "password": PASSWORD, "full_name": "A" })
}

fn product() -> Value {
    json!({
        "sku": "A#", "name": "A", "description": "", "handle": "a", "attributes": {},
        "price": { "amount": 1, "currency": "EUR" }, "stock": { "on_hand": 0 },
    })
}

fn attributes(count: usize, name: usize, value: usize) -> Value {
    let one = |i: usize| (format!("{i:é>name$}"), letters(value));
    Value::Object((0..count).map(one).collect())
}

fn post(
    path: &str,
    body: Value,
    at: (&'static str, &'static str),
    [taken, refused]: [Value; 2],
) -> Field {
    Field {
        method: Method::POST,
        path: path.to_owned(),
        body,
        pointer: at.0,
        name: at.1,
        taken,
        refused,
    }
}

pub fn of_accounts() -> Vec<Field> {
    let mail = |length: usize| {
        let domain = format!("{}.example", ["x"; 60].concat());
        let domain = format!("{domain}.{}.{}", "y".repeat(60), "z".repeat(53));
        let local = "a".repeat(length - 1 - domain.len());
        json!(format!("{local}@{domain}"))
    };
    let of = |at, values| post("/auth/register", registration(), at, values);
    vec![
        of(("/email", "email"), [mail(244), mail(255)]),
        of(("/password", "password"), [letters(128), letters(129)]),
        of(("/password", "password"), [letters(12), letters(11)]),
        of(("/full_name", "full_name"), [letters(200), letters(201)]),
    ]
}

pub fn of_categories() -> Vec<Field> {
    let body = || json!({ "name": "A #", "slug": "a-#" });
    let slug = |length: usize| json!("a".repeat(length));
    let of = |at, values| post("/categories", body(), at, values);
    vec![
        of(("/name", "name"), [letters(200), letters(201)]),
        of(("/slug", "slug"), [slug(200), slug(201)]),
    ]
}

pub fn of_products() -> Vec<Field> {
    const MOST: i64 = 1_000_000_000_000;
    let number = |number: i64| json!(number);
    let of = |at, values| post("/products", product(), at, values);
    vec![
        of(("/sku", "sku"), [letters(100), letters(101)]),
        of(("/name", "name"), [letters(300), letters(301)]),
        of(
            ("/description", "description"),
            [letters(50_000), letters(50_001)],
        ),
        of(("/handle", "handle"), [letters(200), letters(201)]),
        of(
            ("/price/amount", "price.amount"),
            [number(MOST), number(MOST + 1)],
        ),
        of(("/price/amount", "price.amount"), [number(0), number(-1)]),
        of(
            ("/stock/on_hand", "stock.on_hand"),
            [number(MOST), number(MOST + 1)],
        ),
        of(
            ("/attributes", "attributes"),
            [attributes(50, 100, 1_000), attributes(51, 3, 1)],
        ),
        of(
            ("/attributes", "attributes"),
            [attributes(1, 1, 0), attributes(1, 101, 0)],
        ),
        of(
            ("/attributes", "attributes"),
            [attributes(1, 1, 1_000), attributes(1, 1, 1_001)],
        ),
    ]
}

pub fn of_stock(id: &str) -> Vec<Field> {
    const MOST: i64 = 1_000_000_000_000;
    let path = format!("/products/{id}/stock");
    let adjust = |at, values| {
        let body = json!({ "delta": 1, "reason": "found" });
        post(&format!("{path}/adjustments"), body, at, values)
    };
    let mut set = post(
        &path,
        json!({ "on_hand": 1 }),
        ("/on_hand", "on_hand"),
        [json!(MOST - 10), json!(MOST + 1)],
    );
    set.method = Method::PUT;
    vec![
        set,
        adjust(("/delta", "delta"), [json!(1), json!(MOST)]),
        adjust(("/delta", "delta"), [json!(-1), json!(0)]),
        adjust(("/delta", "delta"), [json!(1), json!(i64::MIN)]),
        adjust(("/reason", "reason"), [letters(200), letters(201)]),
    ]
}

pub fn of_orders(id: &str, cheap: &str) -> Vec<Field> {
    let line = |quantity: i64| json!({ "product_id": cheap, "quantity": quantity });
    let body = json!({ "items": [{ "product_id": id, "quantity": 1 }], "note": null });
    let of = |at, values| post("/orders", body.clone(), at, values);
    vec![
        of(("/note", "note"), [letters(1_000), letters(1_001)]),
        of(("/items", "items"), [json!([line(1)]), json!([])]),
        of(
            ("/items", "items"),
            [json!(vec![line(1); 100]), json!(vec![line(1); 101])],
        ),
        of(
            ("/items", "items[0].quantity"),
            [json!([line(1_000_000)]), json!([line(1_000_001)])],
        ),
        of(
            ("/items", "items[1].quantity"),
            [
                json!([line(1), line(999_999)]),
                json!([line(1), line(1_000_000)]),
            ],
        ),
    ]
}
