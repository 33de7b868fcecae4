use std::path::Path;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::buyers::Buyers;
use super::shutdown::sign_in;
use crate::support::{
    Answer, Process, command, eventually, expect_balanced_books, free_address, roomy_folder,
    server_of,
};

const ROUNDS: usize = 3;
const BUYERS: usize = 6;
const ON_HAND: i64 = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let seed = match std::env::var("E2E_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => rand::random(),
    };
    println!("E2E_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = roomy_folder();
    let address = free_address();
    let serve = || Process::serve(command(folder.path(), address, &["serve"]), address);
    let mut process = serve().await;
    let token = sign_in(&process, folder.path()).await;
    let products = [
        product(&process, &token, "SOFA").await,
        product(&process, &token, "LAMP").await,
    ];
    for round in 0..ROUNDS {
        let shoppers = Buyers::of(&process, &token, &products);
        let shopping = (0..BUYERS).map(|buyer| {
            let random = StdRng::seed_from_u64(random.random());
            shoppers.shop_until_it_drops(random, format!("round {round} buyer {buyer}"))
        });
        let shopping = join_all(shopping.collect::<Vec<_>>());
        let enough = random.random_range(1..80);
        let killing = async {
            eventually("there is traffic", async || {
                shoppers.answers.load(Ordering::Relaxed) >= enough
            })
            .await;
            process.signal(Signal::SIGKILL);
        };
        let (memories, ()) = tokio::join!(shopping, killing);
        assert_eq!(process.ended().await, None);

        process = serve().await;
        let mut asked = 0;
        for mut memory in memories {
            asked += memory.orders.len();
            Buyers::of(&process, &token, &products)
                .verify(&mut memory)
                .await;
        }
        println!("round {round}: killed after {enough} answers, {asked} orders asked for");
    }
    settle_the_books(folder.path()).await;
    process.signal(Signal::SIGTERM);
    assert_eq!(process.ended().await, Some(0));
}

async fn product(process: &Process, token: &str, sku: &str) -> String {
    let body = json!({
        "sku": sku, "name": sku, "price": { "amount": 100, "currency": "EUR" },
        "stock": { "on_hand": ON_HAND },
    });
    let request = process.request(Method::POST, "/api/v1/products");
    let answer = request.bearer_auth(token).json(&body).send().await.unwrap();
    let product = Answer::read(answer).await.expect(201);
    product["id"].as_str().unwrap().to_owned()
}

/// Time passes: leases of dead relays run out, and then holds.
async fn settle_the_books(folder: &Path) {
    let server = server_of(folder).await.unwrap();
    let connect = async |module| {
        let options = server.connect_options(module);
        PgConnection::connect_with(&options).await.unwrap()
    };
    let (mut products, mut orders) = (connect("products").await, connect("orders").await);
    sqlx::query("update outbox set due_at = now()")
        .execute(&mut orders)
        .await
        .unwrap();
    expect_balanced_books(&mut products, &mut orders).await;
    sqlx::query("update reservations set expires_at = now() where state = 'held'")
        .execute(&mut products)
        .await
        .unwrap();
    let mut watcher = connect("products").await;
    eventually("holds without an order are given back", async || {
        let held: i64 =
            sqlx::query_scalar("select count(*) from reservations where state = 'held'")
                .fetch_one(&mut watcher)
                .await
                .unwrap();
        held == 0
    })
    .await;
    expect_balanced_books(&mut products, &mut orders).await;
    let cancelled: i64 =
        sqlx::query_scalar("select count(*) from order_history where reason = 'out_of_stock'")
            .fetch_one(&mut orders)
            .await
            .unwrap();
    assert_eq!(cancelled, 0, "there was plenty of stock");
}
