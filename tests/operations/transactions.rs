//! A transaction that is given up while it begins takes nobody's writes with it.

use std::time::Duration;

use cleave::settings::Module;
use platform::db::{self, PoolSettings};
use tokio::time::timeout;

use crate::support::TestDatabases;

const TIMES: u64 = 200;

#[tokio::test]
async fn whoever_gives_up_while_a_transaction_begins_leaves_none_open() {
    let databases = TestDatabases::create().await;
    let settings = PoolSettings {
        max: 1,
        min: 1,
        statement_timeout: Duration::from_secs(10),
    };
    let pool = db::pool("orders", databases.of(Module::Orders), settings);
    let create = sqlx::query("create table kept (number bigint)");
    create.execute(&pool).await.unwrap();
    let mut given_up = 0;
    for time in 0..TIMES {
        // From before it is sent to after it is answered.
        let patience = Duration::from_micros(10 * time);
        given_up += u64::from(timeout(patience, db::begin(&pool)).await.is_err());
        let write = sqlx::query("insert into kept values (1)");
        write.execute(&pool).await.unwrap();
    }
    assert!(given_up > 0);
    let mut elsewhere = databases.connect(Module::Orders).await;
    let kept = sqlx::query_scalar("select count(*) from kept");
    let kept: i64 = kept.fetch_one(&mut elsewhere).await.unwrap();
    assert_eq!(u64::try_from(kept), Ok(TIMES));
    pool.close().await;
}
