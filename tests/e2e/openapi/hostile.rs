//! The same hostile words, in every place of every operation that takes words.

use cleave::access::{self, Who};
use cleave::settings::Module;
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use super::super::access::Things;
use crate::support::pictures::{FORM, form, png};
use crate::support::{Customer, TestShop, document};

const SQL: [&str; 3] = [
    "'; drop table products cascade; --",
    "\" or 1=1; --",
    "x\\'); select pg_sleep(9); --",
];
/// What Postgres or its driver would say.
const BETRAYALS: [&str; 6] = [
    "syntax error",
    "unterminated",
    "duplicate key",
    "violates",
    "sqlstate",
    "operator does not exist",
];

/// An operation, and things for it to work on.
struct Operation<'a> {
    document: &'a Value,
    described: &'a Value,
    method: Method,
    template: &'a str,
    path: String,
    who: Customer,
}

impl<'a> Operation<'a> {
    async fn find(
        shop: &TestShop,
        document: &'a Value,
        admin: &Customer,
        line: usize,
    ) -> Operation<'a> {
        let (operation, who) = access::TABLE[line];
        let (method, template) = operation.split_once(' ').unwrap();
        let things = Things::of(shop, admin, line).await;
        let (path, _) = things.fill(shop, template).await;
        Operation {
            document,
            described: &document["paths"][template][method.to_lowercase()],
            method: method.parse().unwrap(),
            template,
            path,
            who: match who {
                Who::User => things.owner,
                _ => admin.clone(),
            },
        }
    }

    fn request(&self, shop: &TestShop, path: &str) -> RequestBuilder {
        let request = shop.request(self.method.clone(), path);
        request.bearer_auth(&self.who.token)
    }

    /// A JSON body that it would take, if it takes any.
    fn body(&self) -> Option<Value> {
        let content = &self.described["requestBody"]["content"];
        let schema = content.get("application/json")?.get("schema")?;
        Some(sample(self.document, schema))
    }

    /// With the words in each place in turn.
    fn with(&self, shop: &TestShop, words: &str) -> Vec<RequestBuilder> {
        let mut requests = Vec::new();
        let body = self.body();
        let filled = |request: RequestBuilder| match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let encoded: String = byte_serialize(words.as_bytes()).collect();
        let encoded = encoded.replace('+', "%20");
        let parameters = self.described["parameters"].as_array();
        for parameter in parameters.into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let request = match parameter["in"].as_str().unwrap() {
                "query" => self.request(shop, &format!("{}?{name}={encoded}", self.path)),
                "header" => self.request(shop, &self.path).header(name, words),
                _ => {
                    let place = format!("{{{name}}}");
                    let path = self.template.replace(&place, &encoded);
                    self.request(shop, &path)
                }
            };
            requests.push(filled(request));
        }
        for place in body.iter().flat_map(|body| places(body, "")) {
            let mut body = body.clone().unwrap();
            *body.pointer_mut(&place).unwrap() = words.into();
            requests.push(self.request(shop, &self.path).json(&body));
        }
        requests
    }
}

/// Something of this shape.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return sample(document, document.pointer(&name[1..]).unwrap());
    }
    for one_of in ["oneOf", "anyOf", "allOf"] {
        let mut shapes = schema[one_of].as_array().into_iter().flatten();
        if let Some(shape) = shapes.find(|shape| shape["type"] != "null") {
            return sample(document, shape);
        }
    }
    if let Some(example) = schema.get("example").or(schema["examples"].get(0)) {
        return example.clone();
    }
    if let Some(one) = schema["enum"].get(0) {
        return one.clone();
    }
    let kinds = schema["type"].as_array();
    let kind = kinds.and_then(|kinds| kinds.iter().find(|kind| **kind != "null"));
    match kind.unwrap_or(&schema["type"]).as_str() {
        Some("object") => {
            let members = schema["properties"].as_object().into_iter().flatten();
            let members = members.map(|(name, schema)| (name.clone(), sample(document, schema)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Some("array") => json!([sample(document, &schema["items"])]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => true.into(),
        _ => "x".repeat(12).into(),
    }
}

/// Where words stand, as JSON pointers.
fn places(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::String(_) => vec![at.to_owned()],
        Value::Array(items) => (0..)
            .zip(items)
            .flat_map(|(index, item)| places(item, &format!("{at}/{index}")))
            .collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| places(member, &format!("{at}/{name}")))
            .collect(),
        _ => Vec::new(),
    }
}

/// Answers of success may go on for ever, so they are not read.
async fn expect_unmoved(name: &str, request: RequestBuilder) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    assert!(!status.is_server_error(), "{name}: {status}");
    if status.is_success() {
        return;
    }
    let text = answer.text().await.unwrap().to_lowercase();
    let betrayed = BETRAYALS.iter().find(|betrayal| text.contains(**betrayal));
    assert_eq!(betrayed, None, "{name}: {text}");
}

#[tokio::test]
async fn sql_is_words_like_any_other_wherever_it_stands() {
    let shop = TestShop::open().await;
    let document = document();
    let admin = shop.admin().await;
    let before = tables(&shop).await;
    let mut asked = 0;
    for (line, (name, _)) in access::TABLE.iter().enumerate() {
        let operation = Operation::find(&shop, &document, &admin, line).await;
        for words in SQL {
            for request in operation.with(&shop, words) {
                expect_unmoved(&format!("{name} with {words}"), request).await;
                asked += 1;
            }
        }
    }
    // Bodies that are no JSON.
    let product = shop.product(&admin, "LAST", 100, 1).await;
    for words in SQL {
        let quoted = words.replace('"', "\"\"");
        let cells = format!("sku,name,category,handle\n\"{quoted}\",\"{quoted}\",\"{quoted}\",h\n");
        let line = json!({ "sku": words, "name": words, "category": words, "attributes": { words: words },
            "price": { "amount": 1, "currency": "EUR" } });
        for (kind, body) in [
            ("text/csv", cells),
            ("application/x-ndjson", line.to_string()),
        ] {
            let request = shop.request(Method::POST, "/api/v1/products/import");
            let request = request.header("content-type", kind).body(body);
            expect_unmoved(kind, request.bearer_auth(&admin.token)).await;
        }
        let file = ("file", Some(("a.png", "image/png")), &*png(3, 2));
        let form = form(&[file, ("alt", None, words.as_bytes())]);
        shop.send(shop.upload(&admin, &product, form))
            .await
            .expect(201);
    }
    println!("{asked} requests");
    assert!(asked > 300, "{asked}");
    assert_eq!(tables(&shop).await, before);
    shop.get(&format!("/products/{product}")).await.expect(200);
    // What may be said is kept as it was said.
    let found = shop.get("/products?q=drop%20table%20products").await;
    let found = found.expect(200);
    let names = found["items"].as_array().unwrap().iter();
    assert!(names.map(|item| &item["name"]).any(|name| name == SQL[0]));
    shop.close().await;
}

async fn tables(shop: &TestShop) -> Vec<i64> {
    let mut numbers = Vec::new();
    for module in Module::ALL {
        let count = sqlx::query_scalar(
            "select count(*) from information_schema.tables where table_schema = 'public'",
        );
        let mut database = shop.connect(module).await;
        numbers.push(count.fetch_one(&mut database).await.unwrap());
    }
    numbers
}

/// Neither unpacked nor followed to the bottom.
#[tokio::test]
async fn bombs_do_not_go_off_in_any_body() {
    let shop = TestShop::open().await;
    let document = document();
    let admin = shop.admin().await;
    let deep = |open: &str, close: &str| [open.repeat(10_000), close.repeat(10_000)].concat();
    let bottomless = [
        deep("[", "]"),
        deep("{\"a\":", "}").replacen(":}", ":1}", 1),
        "[".repeat(10_000),
        format!("{{\"email\":{}}}", deep("[", "]")),
    ];
    let mut bodies = 0;
    for (line, (name, _)) in access::TABLE.iter().enumerate() {
        let operation = Operation::find(&shop, &document, &admin, line).await;
        let content = operation.described["requestBody"]["content"].as_object();
        for kind in content.into_iter().flatten().map(|(kind, _)| kind) {
            bodies += 1;
            let kind = if kind.starts_with("multipart/") {
                FORM
            } else {
                kind
            };
            let request = || {
                let request = operation.request(&shop, &operation.path);
                request.header("content-type", kind)
            };
            for coding in ["gzip", "br", "deflate", "zstd", "gzip, gzip", "x"] {
                let packed = request().header("content-encoding", coding);
                let refused = shop.send(packed.body("\u{1f}\u{8b}")).await;
                println!("{name} {kind} {coding}");
                refused.expect_problem(415, "unsupported_media_type");
            }
            if kind.contains("json") && !kind.contains("nd") {
                for body in &bottomless {
                    let answer = shop.send(request().body(body.clone())).await;
                    let start = &body[..20];
                    assert_eq!(answer.status, 400, "{name} {start}: {}", answer.text);
                    answer.expect_problem(400, "malformed_json");
                }
            }
        }
    }
    assert!(bodies > 20, "{bodies}");
    let lines = format!("{}\n{}\n", bottomless[0], bottomless[1]);
    let import = shop.request(Method::POST, "/api/v1/products/import");
    let import = import.header("content-type", "application/x-ndjson");
    let report = shop.send(import.bearer_auth(&admin.token).body(lines));
    let report = report.await.expect(200);
    assert_eq!(report["rejected"].as_array().unwrap().len(), 2);
    shop.close().await;
}
