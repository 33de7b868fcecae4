//! A random life of a small shop, checked against arithmetic.

use std::collections::BTreeMap;
use std::time::Duration;

use cleave::settings::Module;
use futures_util::future::join_all;
use ports::CallContext;
use ports::products::{ReserveLine, ReserveRequest};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Model, PRODUCTS, Step};
use crate::support::{Answer, Customer, TestShop, eventually};

const ROUNDS: usize = 30;

async fn run(
    shop: &TestShop,
    admin: &Customer,
    products: &[String],
    step: &Step,
) -> Option<Answer> {
    let lines = |basket: &[i64; PRODUCTS]| {
        let lines = products.iter().map(String::as_str).zip(*basket);
        lines.filter(|line| line.1 > 0).collect::<Vec<_>>()
    };
    Some(match step {
        Step::Place { key: None, basket } => shop.place_order(admin, &lines(basket)).await,
        Step::Place {
            key: Some(key),
            basket,
        } => {
            shop.place_order_with_key(admin, &key.to_string(), &lines(basket))
                .await
        }
        Step::Move { order, to } => shop.step_order(admin, order, to.verb()).await,
        Step::Adjust { product, delta } => {
            let path = format!("/products/{}/stock/adjustments", products[*product]);
            let body = json!({ "delta": delta, "reason": "counted again" });
            shop.post_as(admin, &path, &body).await
        }
        Step::Abandon { basket } => {
            let line = |(id, quantity): (&str, i64)| ReserveLine {
                product_id: id.parse().unwrap(),
                quantity,
            };
            let request = ReserveRequest {
                reservation_id: Uuid::now_v7(),
                lines: lines(basket).into_iter().map(line).collect(),
            };
            let cx = CallContext::system("abandoned", Duration::from_secs(5));
            let _ = shop.products().reserve(cx, request).await;
            return None;
        }
    })
}

/// Time passes.
async fn expire_holds(shop: &TestShop, db: &mut PgConnection) {
    sqlx::query("update reservations set expires_at = now() where state = 'held'")
        .execute(db)
        .await
        .unwrap();
    eventually("abandoned holds are given back", async || {
        shop.reservations("held").await == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_life_keeps_the_books() {
    let seed = match std::env::var("E2E_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => rand::random(),
    };
    println!("E2E_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    // Abandoned holds are over at once; those of orders live long enough for their event.
    let shop = TestShop::open_with(Default::default(), &["modules.products.hold_ttl_s=600"]).await;
    let admin = shop.admin().await;
    let mut model = Model {
        products: Vec::new(),
        on_hand: [20; PRODUCTS],
        orders: BTreeMap::new(),
    };
    for product in 0..PRODUCTS {
        let sku = format!("P{product}");
        model
            .products
            .push(shop.product(&admin, &sku, 100, 20).await);
    }
    let mut db = shop.connect(Module::Products).await;
    for round in 0..ROUNDS {
        let together = if random.random_bool(0.3) {
            1
        } else {
            random.random_range(2..10)
        };
        let steps: Vec<Step> = (0..together)
            .map(|_| model.random_step(&mut random))
            .collect();
        let running = steps
            .iter()
            .map(|step| run(&shop, &admin, &model.products, step));
        let answers = join_all(running).await;
        for (step, answer) in steps.iter().zip(&answers) {
            let Some(answer) = answer else { continue };
            if let ([alone], Some(code)) = (&*steps, model.predict(step)) {
                assert_eq!(answer.status, code, "round {round}, {alone:?}: {answer:?}");
            }
            model.learn(step, answer);
        }
        shop.expect_balanced_books().await;
        if shop.reservations("held").await > 0 {
            expire_holds(&shop, &mut db).await;
        }
        for product in 0..PRODUCTS {
            let (on_hand, reserved, _) = shop.stock(&model.products[product]).await;
            let expected = (model.on_hand[product], model.reserved(product));
            assert_eq!((on_hand, reserved), expected, "round {round}: {steps:?}");
        }
    }
    assert_eq!(
        shop.reservations("allocated").await,
        model.open().count() as i64
    );
    shop.close().await;
}
