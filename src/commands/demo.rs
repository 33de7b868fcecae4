use orders::demo::{DemoLine, DemoOrder, Fate};
use products::demo::{
    DemoAllocation, DemoAllocationLine, DemoProduct, allocate_demo, demo_product, load_demo,
    ship_demo,
};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::workbench::Workbench;
use super::{Outcome, progress};
use crate::cli::Demo;
use crate::settings::{Environment, Module, Settings};

/// Orders in one transaction.
const CHUNK: u64 = 1_000;
const LINES_MOST: usize = 4;
/// 2026-01-01T00:00:00Z; demo orders were placed within [`SPAN`] of it.
const FIRST_ORDER_S: i64 = 1_767_225_600;
const SPAN: Duration = Duration::days(270);

/// Fills the shop with plausible data. What is there already from the same seed stays as it is.
pub async fn run(settings: Settings, demo: Demo) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        settings.environment == Environment::Development,
        "demo accounts have a published password: not with environment = \"production\""
    );
    let bench = Workbench::open(settings, &Module::ALL).await?;
    let loaded = load(&bench, &demo).await;
    bench.close().await;
    loaded?;
    let (products, users, orders) = (demo.products, demo.users, demo.orders);
    if demo.output.json {
        let report =
            json!({ "products": products, "users": users, "orders": orders, "seed": demo.seed });
        println!("{report}");
    } else {
        println!(
            "{products} products, {users} users, {orders} orders of seed {}",
            demo.seed
        );
        if users > 0 {
            println!(
                "the password of every demo user is {}",
                users::demo::PASSWORD
            );
        }
    }
    Ok(Outcome::Done)
}

async fn load(bench: &Workbench, demo: &Demo) -> anyhow::Result<()> {
    let currency = bench.settings().store.currency;
    let (products, users) = (u64::from(demo.products), u64::from(demo.users));

    let bar = progress::counter("products", products);
    let pool = bench.pool(Module::Products)?;
    load_demo(pool, currency, products, demo.seed, |done| {
        bar.set_position(done)
    })
    .await?;
    bar.finish_and_clear();

    let bar = progress::counter("users", users);
    let user_ids = bench
        .users()?
        .load_demo(usize::try_from(users)?, demo.seed, |done| {
            bar.set_position(done)
        })
        .await?;
    bar.finish_and_clear();

    load_orders(bench, demo, &user_ids).await
}

async fn load_orders(bench: &Workbench, demo: &Demo, user_ids: &[Uuid]) -> anyhow::Result<()> {
    let count = u64::from(demo.orders);
    if count == 0 {
        return Ok(());
    }
    anyhow::ensure!(
        demo.products > 0 && !user_ids.is_empty(),
        "orders need products and users: give --products and --users too"
    );
    let currency = bench.settings().store.currency;
    let product = |index| demo_product(demo.seed, index, currency);
    let bar = progress::counter("orders", count);
    for first in (0..count).step_by(usize::try_from(CHUNK)?) {
        let chunk = first..(first + CHUNK).min(count);
        let mut orders: Vec<DemoOrder> = chunk
            .map(|index| invent(demo, index, user_ids, product))
            .collect();
        // Stock first: an order that finds none is not made.
        let open = orders.iter().filter(|order| order.fate == Fate::Open);
        let wanted: Vec<DemoAllocation> = open.map(allocation).collect();
        let allocated = allocate_demo(bench.pool(Module::Products)?, &wanted).await?;
        let gone = orders.iter().filter(|order| order.fate == Fate::Delivered);
        let gone: Vec<(Uuid, Uuid)> = gone.map(|order| (order.reservation_id, order.id)).collect();
        ship_demo(bench.pool(Module::Products)?, &gone).await?;
        orders.retain(|order| !allocated.refused.contains(&order.reservation_id));
        orders::demo::load(bench.pool(Module::Orders)?, &orders).await?;
        bar.inc(CHUNK.min(count - first));
    }
    bar.finish_and_clear();
    Ok(())
}

/// The stock that an open order holds.
fn allocation(order: &DemoOrder) -> DemoAllocation {
    let lines = order.lines.iter().map(|line| DemoAllocationLine {
        product_id: line.product_id,
        sku: line.sku.clone(),
        name: line.name.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price,
    });
    DemoAllocation {
        reservation_id: order.reservation_id,
        order_id: order.id,
        lines: lines.collect(),
    }
}

/// The order with this index, the same for the same seed.
fn invent(
    demo: &Demo,
    index: u64,
    user_ids: &[Uuid],
    product: impl Fn(u64) -> DemoProduct,
) -> DemoOrder {
    let mut rng = ChaCha8Rng::seed_from_u64(demo.seed);
    rng.set_stream(index + 1);
    let at = FIRST_ORDER_S + rng.random_range(0..SPAN.whole_seconds());
    let placed_at = OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let id = |rng: &mut ChaCha8Rng| {
        let millis = u64::try_from(at).unwrap_or_default() * 1_000;
        uuid::Builder::from_unix_timestamp_millis(millis, &rng.random()).into_uuid()
    };
    let mut indexes: Vec<u64> = (0..rng.random_range(1..=LINES_MOST))
        .map(|_| rng.random_range(0..u64::from(demo.products)))
        .collect();
    indexes.sort_unstable();
    indexes.dedup();
    let lines = indexes.into_iter().map(|index| {
        let product = product(index);
        DemoLine {
            product_id: product.id,
            sku: product.sku,
            name: product.name,
            quantity: rng.random_range(1..=3),
            unit_price: product.price,
        }
    });
    let lines = lines.collect();
    DemoOrder {
        id: id(&mut rng),
        reservation_id: id(&mut rng),
        user_id: user_ids.choose(&mut rng).copied().unwrap_or_default(),
        placed_at,
        fate: match rng.random_range(0..10) {
            0..3 => Fate::Open,
            3 => Fate::Cancelled,
            _ => Fate::Delivered,
        },
        lines,
    }
}
