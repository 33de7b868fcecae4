use std::sync::Arc;
use std::time::Duration;

use cleave::settings::Module;
use platform::Pool;
use ports::Currency;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::conformance::{FakeProducts, FakeUsers};
use crate::support::{TestDatabases, eventually};

const ORDER: &str = "
    insert into orders (id, number, user_id, status, currency, total_minor, reservation_id, created_at)
    values (gen_random_uuid(), 'A-1', gen_random_uuid(), 'placed', 'EUR', 1, gen_random_uuid(),
            now() - interval '1 year')";

fn module(pool: &Pool, payment_window: Option<Duration>) -> Arc<orders::Module> {
    let config = orders::Config {
        currency: Currency::EUR,
        event_attempts: 1,
        stream: None,
        webhooks: Default::default(),
        payment_window,
    };
    let products = Arc::new(FakeProducts::default());
    let users = Arc::new(FakeUsers::default());
    Arc::new(orders::Module::new(pool.clone(), config, products, users))
}

/// It does not even go on looking, unlike one with a window.
#[tokio::test]
async fn without_a_payment_window_an_order_waits_for_ever() {
    let databases = TestDatabases::create_of(&[Module::Orders]).await;
    let pool = PgPool::connect_with(databases.of(Module::Orders)).await;
    let pool = Pool::from(pool.unwrap());
    sqlx::raw_sql(ORDER).execute(&pool).await.unwrap();
    let status = || async {
        let status = sqlx::query_scalar::<_, String>("select status from orders");
        status.fetch_one(&pool).await.unwrap()
    };
    module(&pool, None).sweep(CancellationToken::new()).await;
    assert_eq!(status().await, "placed");

    let stop = CancellationToken::new();
    let window = Some(Duration::from_secs(3_600));
    let sweeping = tokio::spawn(module(&pool, window).sweep(stop.clone()));
    eventually("the order is cancelled", async || {
        status().await == "cancelled"
    })
    .await;
    stop.cancel();
    sweeping.await.unwrap();
}
