//! The products module against arithmetic: one, two or three calls at once, repeated and late, must
//! end as they would have ended one after the other, in some order.

mod arithmetic;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arithmetic::{Basket, ON_HAND, Op, PRODUCTS, RESERVATIONS, Said, Seen, State};
use cleave::settings::Module;
use futures_util::future::join_all;
use ports::events::{OrderCancelled, OrderPlaced, OrderShipped};
use ports::products::{
    EventRejection, ReleaseRequest, ReserveLine, ReserveRejection, ReserveRequest,
};
use ports::{CallContext, Event, EventBody, PortError, Products};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Customer, TestShop};

/// Each with reservations of its own.
const LIVES: usize = 12;
const ROUNDS: usize = 40;
const BUDGET: Duration = Duration::from_secs(20);

struct World {
    shop: TestShop,
    admin: Customer,
    module: Arc<products::Module>,
    products: Vec<Uuid>,
    baskets: Vec<Basket>,
    /// Each stands for reservation, order and events.
    ids: Vec<Uuid>,
}

impl World {
    async fn open(random: &mut ChaCha8Rng) -> Self {
        let shop = TestShop::open().await;
        let admin = shop.admin().await;
        let pool = PgPool::connect_with(shop.databases.of(Module::Products));
        let config = products::Config {
            hold_ttl: Duration::from_secs(900),
            currency: iso_currency::Currency::EUR,
            import_bytes: 0,
            upload_bytes: 0,
            media: products::MediaStore::in_memory(),
        };
        let module = products::Module::new(pool.await.unwrap().into(), config);
        let mut world = Self {
            shop,
            admin,
            module: Arc::new(module),
            products: Vec::new(),
            baskets: Vec::new(),
            ids: Vec::new(),
        };
        world.begin(0, random).await;
        world
    }

    /// New products and new reservations.
    async fn begin(&mut self, life: usize, random: &mut ChaCha8Rng) {
        self.products.clear();
        for product in 0..PRODUCTS {
            let sku = format!("L{life}P{product}");
            let id = self.shop.product(&self.admin, &sku, 100, ON_HAND).await;
            self.products.push(id.parse().unwrap());
        }
        self.baskets = (0..RESERVATIONS)
            .map(|_| arithmetic::random_basket(random))
            .collect();
        self.ids = (0..RESERVATIONS).map(|_| Uuid::now_v7()).collect();
    }

    fn lines(&self, number: usize) -> Vec<ReserveLine> {
        let lines = self.products.iter().zip(self.baskets[number]);
        let lines = lines.filter(|line| line.1 > 0);
        let line = |(product_id, quantity): (&Uuid, i64)| ReserveLine {
            product_id: *product_id,
            quantity,
        };
        lines.map(line).collect()
    }

    async fn run(&self, op: Op) -> Said {
        let cx = CallContext::system("model", BUDGET);
        match op {
            Op::Reserve(number) => {
                let request = ReserveRequest {
                    reservation_id: self.ids[number],
                    lines: self.lines(number),
                };
                match self.module.reserve(cx, request).await {
                    Ok(_) => Said::Done,
                    Err(PortError::Rejected(ReserveRejection::InsufficientStock { .. })) => {
                        Said::OutOfStock
                    }
                    Err(PortError::Rejected(ReserveRejection::ReservationClosed)) => Said::Closed,
                    Err(error) => panic!("{op:?}: {error:?}"),
                }
            }
            Op::Release(number) => {
                let reservation_id = self.ids[number];
                let request = ReleaseRequest { reservation_id };
                self.module.release(cx, request).await.unwrap();
                Said::Done
            }
            Op::Placed(number) | Op::Shipped(number) | Op::Cancelled(number) => {
                match self.module.handle(cx, self.event(op, number)).await {
                    Ok(()) => Said::Done,
                    Err(PortError::Rejected(EventRejection::OutOfStock { .. })) => Said::OutOfStock,
                    Err(PortError::Rejected(EventRejection::NotAllocated)) => Said::NotAllocated,
                    Err(error) => panic!("{op:?}: {error:?}"),
                }
            }
            Op::Sweep => {
                let once = CancellationToken::new();
                once.cancel();
                Arc::clone(&self.module).sweep(once).await;
                Said::Done
            }
            Op::Adjust { product, delta } => {
                let path = format!("/products/{}/stock/adjustments", self.products[product]);
                let body = json!({ "delta": delta, "reason": "counted again" });
                let answer = self.shop.post_as(&self.admin, &path, &body).await;
                match answer.status.as_u16() {
                    200 => Said::Done,
                    409 => Said::InUse,
                    _ => panic!("{op:?}: {answer:?}"),
                }
            }
        }
    }

    fn event(&self, op: Op, number: usize) -> Event {
        let (order_id, reservation_id) = (self.ids[number], self.ids[number]);
        let (kind, body) = match op {
            Op::Placed(_) => {
                let lines = self.lines(number);
                let placed = OrderPlaced {
                    order_id,
                    reservation_id,
                    lines,
                };
                ("placed", EventBody::OrderPlaced(placed))
            }
            Op::Shipped(_) => {
                let shipped = OrderShipped {
                    order_id,
                    reservation_id,
                };
                ("shipped", EventBody::OrderShipped(shipped))
            }
            _ => {
                let cancelled = OrderCancelled {
                    order_id,
                    reservation_id,
                };
                ("cancelled", EventBody::OrderCancelled(cancelled))
            }
        };
        Event {
            id: Uuid::new_v5(&order_id, kind.as_bytes()),
            occurred_at: OffsetDateTime::UNIX_EPOCH,
            body,
        }
    }

    async fn seen(&self) -> Seen {
        let stock: Vec<(Uuid, i64, i64)> =
            sqlx::query_as("select product_id, on_hand, reserved from stock")
                .fetch_all(self.module.pool())
                .await
                .unwrap();
        let of = |id| stock.iter().find(|row| row.0 == id).unwrap();
        let states: Vec<(Uuid, String)> = sqlx::query_as(
            "select id, coalesce(closed_as, state) from reservations where id = any($1)",
        )
        .bind(&self.ids)
        .fetch_all(self.module.pool())
        .await
        .unwrap();
        let words = ["held", "allocated", "released", "shipped"];
        let state = |(id, state): (Uuid, String)| {
            let number = self.ids.iter().position(|known| *known == id).unwrap();
            (number, *words.iter().find(|word| **word == state).unwrap())
        };
        Seen {
            on_hand: std::array::from_fn(|product| of(self.products[product]).1),
            reserved: std::array::from_fn(|product| of(self.products[product]).2),
            reservations: states.into_iter().map(state).collect::<BTreeMap<_, _>>(),
        }
    }

    async fn forget(&self) {
        sqlx::query("delete from inbox")
            .execute(self.module.pool())
            .await
            .unwrap();
    }

    async fn expire(&self, number: usize) {
        sqlx::query("update reservations set expires_at = now() where id = $1 and state = 'held'")
            .bind(self.ids[number])
            .execute(self.module.pool())
            .await
            .unwrap();
    }
}

/// Every order of so many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1).into_iter();
    let with_last = |order: Vec<usize>| {
        (0..count).map(move |place| {
            let mut order = order.clone();
            order.insert(place, count - 1);
            order
        })
    };
    shorter.flat_map(with_last).collect()
}

/// The states that these operations may have led to, given what each said.
fn explanations(
    before: &BTreeSet<State>,
    (ops, said): (&[Op], &[Said]),
    (seen, baskets): (&Seen, &[Basket]),
) -> BTreeSet<State> {
    let mut possible = BTreeSet::new();
    for state in before {
        for order in orders(ops.len()) {
            let mut state = state.clone();
            let fits = order
                .iter()
                .all(|&which| state.apply(ops[which], baskets) == said[which]);
            if fits && state.seen(baskets) == *seen {
                possible.insert(state);
            }
        }
    }
    possible
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_and_reservations_are_what_arithmetic_says() {
    let seed = crate::number("CLEAVE_FAULTS_SEED").unwrap_or_else(|| rand::random::<u32>().into());
    println!("CLEAVE_FAULTS_SEED={seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut world = World::open(&mut random).await;
    for life in 1..=LIVES {
        world.begin(life, &mut random).await;
        let mut states = BTreeSet::from([State::new()]);
        let mut log = Vec::new();
        for round in 0..ROUNDS {
            let together = random.random_range(1..=3);
            let mut ops: Vec<Op> = (0..together)
                .map(|_| arithmetic::random_op(&mut random))
                .collect();
            if random.random_bool(0.2) {
                let number = random.random_range(0..RESERVATIONS);
                world.expire(number).await;
                let expire = |mut state: State| {
                    state.expire(number);
                    state
                };
                states = states.into_iter().map(expire).collect();
                log.push(format!("{number} expires"));
                ops[0] = Op::Sweep;
            }
            if random.random_bool(0.2) {
                world.forget().await;
                let forget = |mut state: State| {
                    state.forget();
                    state
                };
                states = states.into_iter().map(forget).collect();
                log.push("events are forgotten".to_owned());
            }
            let said = join_all(ops.iter().map(|&op| world.run(op))).await;
            let seen = world.seen().await;
            log.push(format!("{ops:?} said {said:?}"));
            states = explanations(&states, (&ops, &said), (&seen, &world.baskets));
            assert!(
                !states.is_empty(),
                "CLEAVE_FAULTS_SEED={seed}: life {life}, round {round} cannot be explained: \
                 {seen:?}\nbaskets {:?}\n{}",
                world.baskets,
                log.join("\n")
            );
        }
    }
    world.module.pool().close().await;
    world.shop.close().await;
}
