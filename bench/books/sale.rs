//! Ten thousand buyers at once, each with a connection of their own, of a hundred items.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cleave::settings::Module;
use futures_util::future::join_all;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use platform::auth::{Role, Tokens};
use serde_json::json;
use uuid::Uuid;

use crate::fleet::{Databases, Fleet, Placement, SECRET};
use crate::load::quantiles;

const BUYERS: usize = 10_000;
const PIECES: i64 = 100;

struct Bought {
    status: u16,
    took: Duration,
    /// After the sale began.
    at: Duration,
}

pub async fn run(databases: &Databases) {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let basket = stock(databases, PIECES).await;
    let tokens = buyers(databases).await;
    let fleet = Fleet::start(databases, Placement::BesideEachOther).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let urls = fleet
        .addresses()
        .map(|address| format!("http://{address}/api/v1/orders"));
    let urls: Vec<String> = urls.collect();
    let start = Instant::now();
    let buy = async |(n, token): (usize, &String)| {
        // Half of the baskets name the items in opposite order.
        let mut items = basket
            .each_ref()
            .map(|id| json!({ "product_id": id, "quantity": 1 }));
        if n / 2 % 2 == 1 {
            items.reverse();
        }
        let begun = Instant::now();
        let request = client.post(&urls[n % urls.len()]).bearer_auth(token);
        let answer = request.json(&json!({ "items": items })).send().await;
        let status = match answer {
            Ok(answer) => {
                let status = answer.status().as_u16();
                answer.bytes().await.map_or(0, |_| status)
            }
            Err(error) => {
                eprintln!("{error:?}");
                0
            }
        };
        let (took, at) = (begun.elapsed(), start.elapsed());
        Bought { status, took, at }
    };
    let bought = join_all(tokens.iter().enumerate().map(buy)).await;
    report(&bought, start.elapsed());
    fleet.stop().await;
    // For those who come after.
    stock(databases, 1_000_000).await;
}

fn report(bought: &[Bought], lasted: Duration) {
    let mut answers = BTreeMap::<u16, usize>::new();
    for one in bought {
        *answers.entry(one.status).or_default() += 1;
    }
    let sold = bought.iter().filter(|one| one.status == 201);
    let sold_out = sold.map(|one| one.at).max().unwrap_or_default();
    let (p50, p99) = quantiles(&mut bought.iter().map(|one| one.took).collect::<Vec<_>>());
    println!("flash sale: {BUYERS} connections at once to two replicas, {PIECES} of each item");
    println!("  answers by status: {answers:?}");
    println!(
        "  all answered after {lasted:.1?}, {:.0}/s, p50 {p50:.1?}, p99 {p99:.1?}; the last one sold after {sold_out:.1?}",
        bought.len() as f64 / lasted.as_secs_f64()
    );
}

/// Two items of which there are so many.
async fn stock(databases: &Databases, pieces: i64) -> [String; 2] {
    let products = databases.products(1_000).await;
    let basket = [products[0].clone(), products[1].clone()];
    let mut db = databases.connect(Module::Products).await;
    for id in &basket {
        let id: Uuid = id.parse().unwrap();
        sqlx::query(
            "with moved as (
               insert into stock_movements (product_id, delta, reason)
               select product_id, $2 - on_hand, 'counted' from stock where product_id = $1
             ) update stock set on_hand = $2 where product_id = $1",
        )
        .bind(id)
        .bind(pieces)
        .execute(&mut db)
        .await
        .unwrap();
    }
    basket
}

/// Tokens of accounts that nobody had to wait for a password hash for.
async fn buyers(databases: &Databases) -> Vec<String> {
    let mut db = databases.connect(Module::Users).await;
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
    .bind(i32::try_from(BUYERS).unwrap())
    .fetch_all(&mut db)
    .await
    .unwrap();
    let tokens = Tokens::hs256(&SECRET.into(), Duration::from_secs(3600));
    let token = |id| tokens.issue(id, Role::Customer, id);
    ids.into_iter().map(|id| token(id).unwrap().token).collect()
}
