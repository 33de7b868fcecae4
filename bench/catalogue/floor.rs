//! What no list can be faster than.

use std::time::Instant;

use sqlx::PgConnection;

use crate::lists::{Client, say};

const TIMES: usize = 500;

pub async fn run(client: &Client, db: &mut PgConnection) {
    let mut took = Vec::new();
    for _ in 0..TIMES {
        took.push(client.get("/health/live").await.1);
    }
    say("floor: a handler that does nothing", &mut took);

    let mut took = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        sqlx::query("select * from products order by created_at desc, id desc limit 21")
            .execute(&mut *db)
            .await
            .unwrap();
        took.push(begun.elapsed());
    }
    say("floor: 21 rows of an index, from the database", &mut took);
}
