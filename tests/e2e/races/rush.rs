use cleave::settings::Module;
use futures_util::future::join_all;

use crate::support::{Blocker, TestDatabases, TestShop, Topology};

const BUYERS: usize = 300;
const PIECES: i64 = 20;
/// Leaves connections for tests beside this one.
const REPLICA: [&str; 3] = [
    "modules.users.pool_max=4",
    "modules.products.pool_max=12",
    "modules.orders.pool_max=12",
];

/// Baskets name the same products in opposite order, half of them in another process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_buyers_of_twenty_pieces() {
    let databases = TestDatabases::create().await;
    let one = TestShop::open_on(databases.clone(), Topology::default(), &REPLICA).await;
    let two = TestShop::open_on(databases.clone(), Topology::default(), &REPLICA).await;
    let admin = one.admin().await;
    let sofa = one.product(&admin, "SOFA", 50_000, PIECES).await;
    let lamp = one.product(&admin, "LAMP", 1_999, PIECES).await;
    let buyers = [one.customer("ada").await, one.customer("bob").await];
    let forth = [(&*sofa, 1), (&*lamp, 1)];
    let back = [(&*lamp, 1), (&*sofa, 1)];

    let buy = |n: usize| {
        let shop = [&one, &two][n % 2];
        let lines = if n % 4 < 2 { &forth } else { &back };
        shop.place_order(&buyers[n % 3 % 2], lines)
    };
    let answers = join_all((0..BUYERS).map(buy)).await;

    let mut sold = 0;
    for answer in answers {
        if answer.status == 201 {
            sold += 1;
            continue;
        }
        let problem = answer.expect_problem(409, "insufficient_stock");
        for product in problem["products"].as_array().unwrap() {
            assert_eq!(product["available"], 0, "{problem}");
        }
    }
    assert_eq!(sold, PIECES);
    assert_eq!(one.stock(&sofa).await, (PIECES, PIECES, 0));
    assert_eq!(two.stock(&lamp).await, (PIECES, PIECES, 0));
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

/// All ten have looked at the stock, and wait for it, before any of them takes it.
#[tokio::test]
async fn ten_who_wait_for_the_last_two() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let rare = shop.product(&admin, "RARE", 1_000, 2).await;
    let common = shop.product(&admin, "COMMON", 1_000, 100).await;
    let stock = shop.databases.of(Module::Products);
    let mut blocker = Blocker::stock(stock, &rare).await;
    let baskets = [[(&*rare, 1), (&*common, 3)], [(&*common, 3), (&*rare, 1)]];
    let buyers = join_all((0..10).map(|n| shop.place_order(&admin, &baskets[n % 2])));
    let start = async {
        blocker.victims(10).await;
        blocker.release().await;
    };
    let (answers, ()) = tokio::join!(buyers, start);
    let (sold, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 201);
    assert_eq!(sold.len(), 2);
    for answer in refused {
        let problem = answer.expect_problem(409, "insufficient_stock");
        assert_eq!(problem["products"][0]["available"], 0, "{problem}");
    }
    assert_eq!(shop.stock(&rare).await, (2, 2, 0));
    assert_eq!(shop.stock(&common).await, (100, 6, 94));
    shop.expect_balanced_books().await;
    shop.close().await;
}

/// There is one piece when the orders come; more arrive while they wait for it.
#[tokio::test]
async fn who_waits_while_stock_arrives_gets_it() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let sofa = shop.product(&admin, "SOFA", 1_000, 1).await;
    let stock = shop.databases.of(Module::Products);
    let arriving = format!(
        "update stock set on_hand = 2 where product_id = '{sofa}';
         insert into stock_movements (product_id, delta, reason) values ('{sofa}', 1, 'delivery')"
    );
    let mut blocker = Blocker::hold(stock, &arriving).await;
    let lines = [(&*sofa, 1)];
    let buyers = join_all((0..3).map(|_| shop.place_order(&admin, &lines)));
    let arrival = async {
        blocker.victims(3).await;
        blocker.release().await;
    };
    let (answers, ()) = tokio::join!(buyers, arrival);
    let mut codes: Vec<u16> = answers.iter().map(|a| a.status.as_u16()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [201, 201, 409]);
    assert_eq!(shop.stock(&sofa).await, (2, 2, 0));
    shop.expect_balanced_books().await;
    shop.close().await;
}
