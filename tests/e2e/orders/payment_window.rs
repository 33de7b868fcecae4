use cleave::settings::Module;

use crate::support::{TestShop, eventually};

#[tokio::test]
async fn an_order_that_is_not_paid_in_time_is_cancelled() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 9).await;
    let ada = shop.customer("ada").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let order = shop.place_order(&ada, &[(&sofa, 2)]).await.expect(201);
        ids.push(order["id"].as_str().unwrap().to_owned());
    }
    let [fresh, paid, late] = &ids[..] else {
        unreachable!()
    };
    shop.step_order(&admin, paid, "pay").await.expect(200);
    for (id, minutes) in [(fresh, 29), (paid, 31), (late, 31)] {
        shop.let_wait(id, minutes).await;
    }
    let read = async |id: &str| {
        let order = shop.get_as(&ada, &format!("/orders/{id}")).await;
        order.expect(200)
    };
    eventually("the late order is cancelled", async || {
        read(late).await["status"] == "cancelled"
    })
    .await;
    let cancelled = read(late).await;
    let history = cancelled["history"].as_array().unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[1]["reason"], "payment_window_expired");
    shop.step_order(&admin, late, "pay")
        .await
        .expect_problem(409, "invalid_transition");
    // In the sweep that took it they were looked at, too.
    assert_eq!(read(fresh).await["status"], "placed");
    assert_eq!(read(paid).await["status"], "paid");
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (9, 4, 5));
    shop.close().await;
}

#[tokio::test]
async fn replicas_cancel_a_backlog_once() {
    let shop = TestShop::open().await;
    let replica = TestShop::open_on(shop.databases.clone(), Default::default(), &[]).await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 50_000, 1_000).await;
    for _ in 0..12 {
        shop.place_order(&admin, &[(&sofa, 2)]).await.expect(201);
    }
    let mut orders = shop.connect(Module::Orders).await;
    // More than one batch, of which the shop knows the first twelve from its own door.
    sqlx::raw_sql(
        "update orders set created_at = created_at - interval '1 day';
         insert into orders
           select (jsonb_populate_record(orders, jsonb_build_object(
             'id', gen_random_uuid(), 'number', number || n, 'reservation_id', gen_random_uuid()))).*
           from orders, generate_series(1, 20) n;
         insert into order_history (order_id, step, status)
           select id, 1, 'placed' from orders on conflict do nothing",
    )
    .execute(&mut orders)
    .await
    .unwrap();
    eventually("all are cancelled", async || {
        let open: i64 = sqlx::query_scalar("select count(*) from orders where status = 'placed'")
            .fetch_one(&mut orders)
            .await
            .unwrap();
        open == 0
    })
    .await;
    let steps: Vec<i64> =
        sqlx::query_scalar("select distinct count(*) from order_history group by order_id")
            .fetch_all(&mut orders)
            .await
            .unwrap();
    assert_eq!(steps, [2]);
    shop.expect_balanced_books().await;
    assert_eq!(shop.stock(&sofa).await, (1_000, 0, 1_000));
    replica.close().await;
    shop.close().await;
}
