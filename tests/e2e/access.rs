//! Every operation of the document, as everybody, against the table of who may call it.

use std::collections::BTreeSet;

use cleave::access::{self, Who};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Customer, TestShop, address, document, operations};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Whatever comes of the request, it is not refused for who sends it.
    LetIn,
    Unauthorized,
    Forbidden,
    /// Told that there is no such thing.
    NotFound,
}

use Outcome::{Forbidden, LetIn, NotFound, Unauthorized};

/// What nobody, the one it belongs to, another customer and an administrator get.
fn expected(who: Who, owned: bool) -> [Outcome; 4] {
    match who {
        Who::Anyone | Who::Visitor => [LetIn; 4],
        Who::User if owned => [Unauthorized, LetIn, NotFound, NotFound],
        Who::User => [Unauthorized, LetIn, LetIn, LetIn],
        Who::Owner => [Unauthorized, LetIn, NotFound, LetIn],
        Who::Admin => [Unauthorized, Forbidden, Forbidden, LetIn],
        Who::AdminOverOwned => [Unauthorized, Forbidden, NotFound, LetIn],
    }
}

/// What stands for a path's parameter, and whether it belongs to a user alone.
pub(crate) struct Things {
    admin: Customer,
    pub(crate) owner: Customer,
    sku: String,
    product: String,
}

impl Things {
    /// Made anew for each operation, which may take them away.
    pub(crate) async fn of(shop: &TestShop, admin: &Customer, line: usize) -> Self {
        let sku = format!("ACCESS-{line}");
        Self {
            admin: admin.clone(),
            owner: shop.customer(&format!("owner-{line}")).await,
            product: shop.product(admin, &sku, 100, 1000).await,
            sku,
        }
    }

    /// The path with something in place of its parameter, and whether that is the owner's.
    pub(crate) async fn fill(&self, shop: &TestShop, path: &str) -> (String, bool) {
        let Some((start, rest)) = path.split_once('{') else {
            return (path.to_owned(), false);
        };
        let (value, owned) = match start {
            "/api/v1/orders/" => (self.order(shop).await, true),
            "/api/v1/cart/items/" => (self.product.clone(), false),
            "/api/v1/products/by-sku/" => (self.sku.clone(), false),
            "/api/v1/products/" => (self.product.clone(), false),
            "/api/v1/media/" => {
                let picture = shop.picture(&self.admin, &self.product).await;
                let key = picture["url"].as_str().unwrap().rsplit('/').next();
                (key.unwrap().to_owned(), false)
            }
            "/api/v1/users/me/addresses/" => (shop.address(&self.owner).await, true),
            "/api/v1/auth/sessions/" => (shop.session(&self.owner).await, true),
            "/api/v1/users/" => (self.owner.id.clone(), false),
            "/api/v1/categories/" => (self.category(shop).await, false),
            "/api/v1/webhooks/" => (self.webhook(shop).await, false),
            "/health/" => ("users".to_owned(), false),
            _ => panic!("nothing is known that stands at {path}"),
        };
        let rest = rest.split_once('}').map_or("", |(_, rest)| rest);
        if let Some(start_of_id) = rest.strip_suffix("{image_id}") {
            let picture = shop.picture(&self.admin, &self.product).await;
            let id = picture["id"].as_str().unwrap();
            return (format!("{start}{value}{start_of_id}{id}"), owned);
        }
        (format!("{start}{value}{rest}"), owned)
    }

    async fn order(&self, shop: &TestShop) -> String {
        let placed = shop.place_order(&self.owner, &[(&self.product, 1)]).await;
        placed.expect(201)["id"].as_str().unwrap().to_owned()
    }

    async fn category(&self, shop: &TestShop) -> String {
        self.made(shop, "/categories", json!({ "name": self.sku }))
            .await
    }

    async fn webhook(&self, shop: &TestShop) -> String {
        let body = json!({ "url": "https://shop.invalid/" });
        self.made(shop, "/webhooks", body).await
    }

    async fn made(&self, shop: &TestShop, path: &str, body: Value) -> String {
        let made = shop.post_as(&self.admin, path, &body).await.expect(201);
        made["id"].as_str().unwrap().to_owned()
    }
}

async fn outcome(shop: &TestShop, who: Option<&Customer>, method: &str, path: &str) -> Outcome {
    let request = shop.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
    let request = match who {
        Some(who) => request.bearer_auth(&who.token),
        None => request,
    };
    let request = match method {
        "PUT" if path.contains("/addresses/") => request.json(&address()),
        _ => request,
    };
    let answer = request.send().await.unwrap();
    if answer.status().is_success() {
        return LetIn;
    }
    let answer = Answer::read(answer).await;
    let code = answer.json["code"].as_str().unwrap_or_default();
    match (answer.status.as_u16(), code) {
        (401, "missing_token") => Unauthorized,
        (403, "forbidden") => Forbidden,
        (404, "not_found") => NotFound,
        (400 | 409 | 412 | 415 | 422, _) => LetIn,
        (status, _) => panic!("{method} {path}: {status} {}", answer.text),
    }
}

#[tokio::test]
async fn every_operation_lets_in_whom_the_table_names_and_nobody_else() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let stranger = shop.customer("stranger").await;
    let mut walked = 0;
    for (line, (operation, who)) in access::TABLE.iter().enumerate() {
        let (method, template) = operation.split_once(' ').unwrap();
        let things = Things::of(&shop, &admin, line).await;
        let (path, owned) = things.fill(&shop, template).await;
        let roles = [
            ("nobody", None),
            ("its owner", Some(&things.owner)),
            ("another customer", Some(&stranger)),
            ("an administrator", Some(&things.admin)),
        ];
        let mut expected: Vec<_> = roles.into_iter().zip(expected(*who, owned)).collect();
        // Who may not goes first, so that nobody finds what another has changed.
        expected.sort_by_key(|(_, outcome)| *outcome == LetIn);
        for ((role, caller), expected) in expected {
            if caller.is_some()
                && ends_the_account(operation)
                && expected == LetIn
                && role != "its owner"
            {
                continue;
            }
            let found = outcome(&shop, caller, method, &path).await;
            assert_eq!(found, expected, "{operation} as {role}");
            walked += 1;
        }
    }
    println!("{} operations, {walked} walks", access::TABLE.len());
    shop.close().await;
}

/// Others are needed further on.
fn ends_the_account(operation: &str) -> bool {
    operation == "DELETE /api/v1/users/me"
}

/// An id that nobody's thing has is as unknown to those who may know.
#[tokio::test]
async fn a_malformed_or_unknown_id_is_404_to_whoever_is_let_in() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let unknown = "0198c5a0-0000-7000-8000-000000000000";
    for (operation, _) in access::TABLE {
        let (method, template) = operation.split_once(' ').unwrap();
        if !template.contains("{id}") || method == "PUT" || method == "PATCH" {
            continue;
        }
        for id in ["7", "..", "%00", "a'--", unknown] {
            let path = template.replace("{id}", id);
            let request = shop.request(Method::from_bytes(method.as_bytes()).unwrap(), &path);
            let body = json!({ "delta": 1, "reason": "x" });
            let request = request.bearer_auth(&admin.token).json(&body);
            let answer = shop.send(request).await;
            assert!(
                [404, 405, 415, 422].contains(&answer.status.as_u16()),
                "{operation} {id}: {}",
                answer.text
            );
        }
    }
    shop.close().await;
}

#[test]
fn the_table_and_the_document_have_the_same_operations() {
    let document = document();
    let documented: BTreeSet<String> = operations(&document)
        .into_iter()
        .map(|(path, method, _)| format!("{} {path}", method.to_uppercase()))
        .collect();
    let listed: BTreeSet<String> = access::TABLE
        .iter()
        .map(|(line, _)| (*line).to_owned())
        .collect();
    assert_eq!(documented, listed);
    assert_eq!(
        listed.len(),
        access::TABLE.len(),
        "a line stands there twice"
    );
}
