//! Filling a shop from a file.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use cleave::settings::Module;
use iso_currency::Currency;
use products::demo::demo_product;
use serde_json::json;

use crate::fleet::{Databases, command};

pub const SEED: u64 = 1;
pub const CURRENCY: Currency = Currency::EUR;
const MOST_COPIED: u64 = 100_000;

pub async fn run(databases: &Databases, products: u64) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("products.ndjson");
    let dearer = folder.path().join("dearer.ndjson");
    write(&file, products, 0);
    write(&dearer, products, 1);
    copy(databases, &file, products).await;
    for (what, file) in [
        ("import of new products", &file),
        ("import of the same", &file),
        ("import of other prices", &dearer),
    ] {
        let (took, peak) = import(databases, file).await;
        say(what, products, took, &peak);
    }
    twin(databases, products.min(MOST_COPIED)).await;
}

/// The catalogue of `cleave demo` as a file.
fn write(path: &Path, products: u64, dearer: i64) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for index in 0..products {
        let product = demo_product(SEED, index, CURRENCY);
        let line = json!({
            "sku": product.sku,
            "name": product.name,
            "description": product.description,
            "price": { "amount": product.price.amount + dearer, "currency": "EUR" },
            "category": product.category,
            "handle": product.handle,
            "attributes": product.attributes,
            "stock": { "on_hand": product.on_hand },
        });
        writeln!(file, "{line}").unwrap();
    }
}

/// Products that are there, into an empty table with the same indexes and checks, by one connection:
/// what Postgres alone makes of a core.
async fn twin(databases: &Databases, rows: u64) {
    let mut db = databases.connect(Module::Products).await;
    let create = sqlx::query("create table twin (like products including all)");
    create.execute(&mut db).await.unwrap();
    let begun = Instant::now();
    let copy = sqlx::query("insert into twin select * from products limit $1");
    let copied = copy
        .bind(i64::try_from(rows).unwrap())
        .execute(&mut db)
        .await
        .unwrap();
    say(
        "floor: table to table, one core",
        copied.rows_affected(),
        begun.elapsed(),
        "",
    );
    let drop = sqlx::query("drop table twin");
    drop.execute(&mut db).await.unwrap();
}

/// The lines as they are, in a table without an index.
async fn copy(databases: &Databases, file: &Path, lines: u64) {
    let mut db = databases.connect(Module::Products).await;
    let create = sqlx::query("create table bare (line text)");
    create.execute(&mut db).await.unwrap();
    let begun = Instant::now();
    // Lines of JSON have no byte that this format of CSV would take for its own.
    let options = "with (format csv, delimiter e'\\x01', quote e'\\x02')";
    let copy = format!("copy bare from stdin {options}");
    let mut sink = db.copy_in_raw(&copy).await.unwrap();
    let file = tokio::fs::File::open(file).await.unwrap();
    sink.read_from(file).await.unwrap();
    sink.finish().await.unwrap();
    say("floor: COPY into a bare table", lines, begun.elapsed(), "");
    let drop = sqlx::query("drop table bare");
    drop.execute(&mut db).await.unwrap();
}

async fn import(databases: &Databases, file: &Path) -> (Duration, String) {
    let mut command = command(databases, "import");
    let begun = Instant::now();
    let mut child = command
        .arg("import")
        .arg(file)
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut most = String::new();
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let peak = status.unwrap_or_default();
        if let Some(peak) = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
            most = peak.trim().to_owned();
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(status.success());
    (begun.elapsed(), most)
}

#[allow(clippy::cast_precision_loss)]
fn say(what: &str, lines: u64, took: Duration, peak: &str) {
    let rate = lines as f64 / took.as_secs_f64();
    println!("  {what:<40} {rate:>9.0} lines/s, {took:>7.1?} {peak}");
}
