//! A day of the shop on which things go wrong.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value, json};

use crate::actors::{Actor, ON_HAND};
use crate::client::Client;
use crate::guests::Guests;
use crate::ledger::Ledger;
use crate::nemesis::{Nemesis, Toll, close_shop};
use crate::plan::{Fault, Layout, Plan};
use crate::town::Town;
use crate::verify::{Hand, settle};
use crate::witness;

const BUYERS: u64 = 6;

/// Prints what it takes to see it again, also when it fails.
struct Announced<'a>(&'a Plan);

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("failed with {:#?}", self.0);
            println!("{}", again(self.0));
        }
    }
}

/// What makes the same plan.
fn again(plan: &Plan) -> String {
    let test = match plan.layout {
        Layout::One if plan.orders == 0 => "every_fail_point",
        Layout::One => "one_process",
        Layout::Replicas => "two_replicas",
        Layout::Split => "products_elsewhere",
        Layout::Embedded => "a_database_server",
    };
    let kills = plan.steps.iter();
    let kills = kills.filter(|step| matches!(step.fault, Fault::Kill { .. }));
    format!(
        "CLEAVE_FAULTS_SEED={} CLEAVE_FAULTS_KILLS={} CLEAVE_FAULTS_ORDERS={} \
         cargo test --test faults {test}",
        plan.seed,
        kills.count(),
        plan.orders,
    )
}

pub async fn live_through(plan: &Plan) {
    println!("{}", again(plan));
    let _announced = Announced(plan);
    let start = Instant::now();
    let ledger = Ledger::default();
    // The shop opens in peace; the faults begin with the second life of each process.
    let mut town = Town::open(plan.layout, &vec![None; plan.armed.len()]).await;
    for process in 0..plan.armed.len() {
        town.ready(process).await;
    }
    witness::watch(&town).await;
    let doors = town.doors.clone();
    let admin = town.admin().await;
    let login = json!({ "email": admin["email"], "password": admin["password"] });
    let clerk = Client::sign_in(&ledger, &doors, &login).await;
    let products = stock(&clerk).await;
    let over = AtomicBool::new(false);
    let mut at_work: Vec<BoxFuture<'_, ()>> = Vec::new();
    for number in 0..BUYERS {
        let name = format!("buyer{number}");
        let client = Client::register(&ledger, &doors, &name).await;
        at_work.push(Box::pin(
            actor(name, client, plan, number, &products, &over).buy(),
        ));
    }
    at_work.push(Box::pin(
        actor("clerk".to_owned(), clerk, plan, BUYERS, &products, &over).work(),
    ));
    let guests = Guests {
        ledger: &ledger,
        doors: &doors,
        random: plan.random_of(BUYERS + 1),
        products: &products,
        over: &over,
    };
    at_work.push(Box::pin(guests.come_and_go()));
    let mut nemesis = Nemesis {
        town: &mut town,
        ledger: &ledger,
        armed: vec![None; plan.armed.len()],
        toll: Toll::default(),
    };
    let going_wrong = async {
        nemesis.arm(&plan.armed).await;
        nemesis.carry_out(plan).await;
        close_shop(&ledger, plan.orders, &over).await;
    };
    tokio::join!(going_wrong, join_all(at_work));
    let toll = nemesis.toll;
    let busy = start.elapsed();
    settle(&town).await;
    let hand = Hand {
        ledger: &ledger,
        products: &products,
    };
    hand.verify(&town).await;
    witness::verify(&town).await;
    let book = ledger.book();
    let acknowledged = book.wishes.values().filter(|wish| wish.order.is_some());
    println!(
        "{:?} {}: {toll:?}, {} orders asked for, {} acknowledged, {} of {} requests unanswered, \
         {} people forgotten, 0 lost, 0 twice, books balanced; {busy:.1?} of {:.1?}",
        plan.layout,
        plan.seed,
        book.wishes.len(),
        acknowledged.count(),
        ledger.unanswered.load(Ordering::Relaxed),
        ledger.answers(),
        book.guests,
        start.elapsed(),
    );
}

fn actor<'a>(
    name: String,
    client: Client<'a>,
    plan: &Plan,
    number: u64,
    products: &'a [String],
    over: &'a AtomicBool,
) -> Actor<'a> {
    Actor {
        name,
        client,
        random: plan.random_of(number),
        products,
        over,
    }
}

async fn stock(clerk: &Client<'_>) -> Vec<String> {
    let mut products = Vec::new();
    for (number, on_hand) in ON_HAND.into_iter().enumerate() {
        let product = json!({
            "sku": format!("P{number}"), "name": format!("Product {number}"),
            "price": { "amount": 100, "currency": "EUR" }, "stock": { "on_hand": on_hand },
        });
        let product: Value = clerk.insist("/products", &product).await.expect(201);
        products.push(product["id"].as_str().unwrap().to_owned());
    }
    products
}
