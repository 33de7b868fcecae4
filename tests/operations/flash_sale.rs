//! Ten thousand buyers of a hundred items: exactly a hundred are sold, everybody else hears why not.

use std::collections::BTreeMap;
use std::time::Duration;

use cleave::settings::Module;
use futures_util::StreamExt;
use platform::auth::{Role, Tokens};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::support::{AUTH_SECRET, Customer, TestDatabases, TestShop, Topology, eventually};

const PIECES: i64 = 100;
/// Sockets at a time, over both shops.
const CONNECTIONS: usize = 64;
/// Leaves connections for tests beside this one. They are open when the rush comes, and a peer has
/// fewer places than there are sockets. How long a call takes on a busy machine is not asked here.
const SET: [&str; 8] = [
    "modules.users.pool_max=6",
    "modules.users.pool_min=6",
    "modules.products.pool_max=10",
    "modules.products.pool_min=10",
    "modules.orders.pool_max=6",
    "modules.orders.pool_min=6",
    "modules.products.max_in_flight=4",
    "modules.products.call_timeout_ms=8000",
];

/// Accounts that nobody had to wait for a password hash for.
async fn buyers(users: &mut PgConnection, number: i32) -> Vec<Customer> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "with made as (
            insert into users (id, email, email_key, password_hash, full_name)
            select gen_random_uuid(), email, email, 'none', 'Buyer'
            from (select 'buyer-' || n || '@example.com' as email from generate_series(1, $1) n) one
            returning id
         )
         insert into sessions (id, user_id, expires_at)
         select id, id, now() + interval '1 day' from made
         returning user_id",
    )
    .bind(number)
    .fetch_all(users)
    .await
    .unwrap();
    let tokens = Tokens::hs256(&AUTH_SECRET.into(), Duration::from_secs(3600));
    let buyer = |id: Uuid| Customer {
        id: id.to_string(),
        email: String::new(),
        token: tokens.issue(id, Role::Customer, id).unwrap().token,
    };
    ids.into_iter().map(buyer).collect()
}

/// To open a connection costs more than an order; none is opened in the rush.
async fn connected(db: &mut PgConnection, number: i64) {
    eventually("the shops are connected", async || {
        let connected: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()",
        )
        .fetch_one(&mut *db)
        .await
        .unwrap();
        connected >= number
    })
    .await;
}

/// Both products sell out together: baskets name them in opposite order, at either shop.
async fn sale(topology: Topology, number: i32) {
    let databases = TestDatabases::create().await;
    let one = TestShop::open_on(databases.clone(), topology, &SET).await;
    let two = TestShop::open_on(databases.clone(), Topology::ALL_LOCAL, &SET).await;
    let admin = one.admin().await;
    let sofa = one.product(&admin, "SOFA", 50_000, PIECES).await;
    let lamp = one.product(&admin, "LAMP", 1_999, PIECES).await;
    let buyers = buyers(&mut one.connect(Module::Users).await, number).await;
    connected(&mut one.connect(Module::Users).await, 12).await;
    connected(&mut one.connect(Module::Products).await, 20).await;
    let baskets = [[(&*sofa, 1), (&*lamp, 1)], [(&*lamp, 1), (&*sofa, 1)]];

    let buy = |(n, buyer): (usize, Customer)| {
        let (shop, basket) = ([&one, &two][n % 2], &baskets[n / 2 % 2]);
        async move { shop.place_order(&buyer, basket).await }
    };
    let mut answers = BTreeMap::<u16, usize>::new();
    let mut bought = futures_util::stream::iter(buyers.into_iter().enumerate())
        .map(buy)
        .buffer_unordered(CONNECTIONS);
    while let Some(answer) = bought.next().await {
        *answers.entry(answer.status.as_u16()).or_default() += 1;
        if answer.status != 201 {
            let problem = answer.expect_problem(409, "insufficient_stock");
            let short = problem["products"].as_array().unwrap();
            assert!(!short.is_empty(), "{problem}");
            assert!(short.iter().all(|one| one["available"] == 0), "{problem}");
        }
    }
    drop(bought);
    let sold = usize::try_from(PIECES).unwrap();
    let refused = usize::try_from(number).unwrap() - sold;
    assert_eq!(answers, BTreeMap::from([(201, sold), (409, refused)]));
    for product in [&sofa, &lamp] {
        assert_eq!(one.stock(product).await, (PIECES, PIECES, 0));
    }
    one.expect_balanced_books().await;
    assert_eq!(one.reservations("allocated").await, PIECES);
    let mut db = one.connect(Module::Products).await;
    two.close().await;
    one.close().await;
    let deadlocks: i64 = sqlx::query_scalar(
        "select deadlocks from pg_stat_database where datname = current_database()",
    )
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert_eq!(deadlocks, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_buyers_of_a_hundred_items_at_two_replicas() {
    sale(Topology::ALL_LOCAL, 10_000).await;
}

/// More want something of the peer than it takes at a time: they queue, and nobody hears a 503.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rush_for_products_that_are_elsewhere() {
    let set = Topology::ALL
        .into_iter()
        .find(|t| t.name == "products_remote");
    sale(set.unwrap(), 1_000).await;
}
