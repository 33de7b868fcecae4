//! `cleave backup` and `cleave restore`, into a shop that goes on selling.

use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use cleave::settings::Module;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{run, said};
use crate::support::{
    Customer, TestDatabases, TestShop, command, eventually, free_address, on, roomy_folder,
};

/// The commands of an operator, with a folder for files.
struct Desk {
    databases: TestDatabases,
    folder: TempDir,
}

impl Desk {
    fn of(databases: &TestDatabases) -> Self {
        Self {
            databases: databases.clone(),
            folder: roomy_folder(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let data_dir = self.folder.path();
        let command = command(data_dir, free_address(), arguments);
        run(on(&self.databases, command)).await
    }

    async fn backup(&self, module: &str, file: &Path) {
        let made = self.run(&["backup", module, text(file)]).await;
        assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    }

    async fn restore(&self, module: &str, file: &Path) -> Output {
        self.run(&["restore", module, text(file), "--yes"]).await
    }

    /// It exits with 1 and says so.
    async fn refused(&self, module: &str, file: &Path, words: &str) {
        let refused = self.restore(module, file).await;
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert!(said(&refused).contains(words), "{}", said(&refused));
    }
}

fn text(file: &Path) -> &str {
    file.to_str().unwrap()
}

async fn orders(shop: &TestShop, who: &Customer) -> usize {
    let list = shop.get_as(who, "/orders").await.expect(200);
    list["items"].as_array().unwrap().len()
}

async fn sql(databases: &TestDatabases, module: Module, statements: &'static str) {
    let mut database = databases.connect(module).await;
    let statements = sqlx::raw_sql(statements).execute(&mut database);
    statements.await.unwrap();
}

/// What the database goes by: the last number of its outbox, and how many rows it thinks there are.
async fn planned(databases: &TestDatabases) -> (i64, bool) {
    let planned = "select coalesce(pg_sequence_last_value('outbox_id_seq'), 0),
                     (select reltuples = 2 from pg_class where oid = 'orders'::regclass)";
    let mut database = databases.connect(Module::Orders).await;
    let planned = sqlx::query_as(planned).fetch_one(&mut database);
    planned.await.unwrap()
}

/// Looks at an order that is in the backup, and at the list, as long as it is let.
async fn watch(shop: &TestShop, who: &Customer, order: &str, numbers: [usize; 2]) -> Infallible {
    loop {
        let order = shop.get_as(who, &format!("/orders/{order}")).await;
        order.expect(200);
        let number = orders(shop, who).await;
        assert!(
            numbers.contains(&number),
            "{number} orders, neither old nor new"
        );
    }
}

#[tokio::test]
async fn orders_go_back_to_their_backup_while_the_shop_sells() {
    let shop = TestShop::open().await;
    let desk = Desk::of(&shop.databases);
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let place = async || {
        let order = shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
        order["id"].as_str().unwrap().to_owned()
    };
    let kept = [place().await, place().await];
    eventually("their stock is theirs", async || {
        shop.reservations("allocated").await == 2
    })
    .await;

    let file = desk.file("orders.dump");
    let made = desk.run(&["backup", "orders", text(&file), "--json"]).await;
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(
        (&made["module"], &made["file"]),
        (&json!("orders"), &json!(text(&file)))
    );
    let stored = std::fs::metadata(&file).unwrap();
    assert_eq!(made["bytes"], stored.len());
    // It has people's addresses in it.
    assert_eq!(stored.permissions().mode() & 0o777, 0o600);
    let beside = std::fs::read_dir(desk.folder.path()).unwrap();
    let unfinished = beside.filter(|entry| text(&entry.as_ref().unwrap().path()).ends_with("part"));
    assert_eq!(unfinished.count(), 0);

    let lost = [place().await, place().await, place().await];
    eventually("theirs too", async || {
        shop.reservations("allocated").await == 5
    })
    .await;
    let (number, _) = planned(&shop.databases).await;
    assert!(number >= 5, "{number}");
    let asked = desk.run(&["restore", "orders", text(&file)]).await;
    assert_eq!(asked.status.code(), Some(2), "{}", said(&asked));
    assert!(said(&asked).contains("--yes"), "{}", said(&asked));
    assert_eq!(orders(&shop, &admin).await, 5);

    let watched = join_all((0..4).map(|_| watch(&shop, &admin, &kept[0], [5, 2])));
    let restored = tokio::select! {
        restored = desk.restore("orders", &file) => restored,
        never = watched => panic!("{never:?}"),
    };
    assert_eq!(restored.status.code(), Some(0), "{}", said(&restored));
    assert!(
        said(&restored).contains("cleave reconcile"),
        "{}",
        said(&restored)
    );
    assert_eq!(orders(&shop, &admin).await, 2);
    // No event has the number of another, and plans are made for what is there.
    assert_eq!(planned(&shop.databases).await, (number, true));
    for order in &lost {
        let order = shop.get_as(&admin, &format!("/orders/{order}")).await;
        order.expect_problem(404, "not_found");
    }

    let books = desk.run(&["reconcile"]).await;
    assert_eq!(books.status.code(), Some(1), "{}", said(&books));
    for order in &lost {
        let differences = said(&books);
        let told = differences.lines().filter(|line| line.contains(order));
        assert!(told.clone().count() > 0, "{order}: {differences}");
        assert!(
            told.into_iter()
                .all(|line| line.contains("allocation_without_order"))
        );
    }
    for order in &kept {
        assert!(!said(&books).contains(order), "{}", said(&books));
    }

    // On every connection, with the statements that were prepared before.
    for _ in 0..20 {
        place().await;
    }
    let steps = ["pay", "ship", "deliver"].map(|step| format!("/orders/{}/{step}", kept[1]));
    for step in steps {
        eventually("the order goes on", async || {
            shop.post_as(&admin, &step, &json!({})).await.status == 200
        })
        .await;
    }
    shop.close().await;
}

#[tokio::test]
async fn every_module_comes_back_as_it_was_also_where_nothing_is() {
    let shop = TestShop::open().await;
    let desk = Desk::of(&shop.databases);
    let demo = ["demo", "--products", "40", "--users", "4", "--orders", "30"];
    let loaded = desk.run(&demo).await;
    assert_eq!(loaded.status.code(), Some(0), "{}", said(&loaded));
    let admin = shop.admin().await;
    let seen = async || {
        let products = shop.get("/products?limit=100&q=a").await.expect(200);
        let orders = shop.get_as(&admin, "/orders?limit=100").await.expect(200);
        let users = shop.get_as(&admin, "/users?limit=100").await.expect(200);
        [products, orders, users]
    };
    let before = seen().await;
    let elsewhere = roomy_folder();
    for module in Module::ALL {
        let file = desk.file(module.name());
        desk.backup(module.name(), &file).await;
        let restored = desk.restore(module.name(), &file).await;
        assert_eq!(restored.status.code(), Some(0), "{}", said(&restored));
        assert_eq!(seen().await, before, "{module}");

        let arguments = ["restore", module.name(), text(&file), "--yes", "--json"];
        let empty = run(command(elsewhere.path(), free_address(), &arguments)).await;
        assert_eq!(empty.status.code(), Some(0), "{}", said(&empty));
        let told: Value = serde_json::from_slice(&empty.stdout).unwrap();
        assert!(told["rows"].as_u64() > Some(0), "{told}");
        assert_eq!(told["migrated"], json!([]));
    }
    let books = ["reconcile", "--set", "migrate=check"];
    let books = run(command(elsewhere.path(), free_address(), &books)).await;
    assert_eq!(books.status.code(), Some(0), "{}", said(&books));
    shop.close().await;
}

#[tokio::test]
async fn who_was_forgotten_stays_so() {
    let shop = TestShop::open().await;
    let desk = Desk::of(&shop.databases);
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let ada = shop.customer("ada").await;
    let wanted = json!({
        "items": [{ "product_id": lamp, "quantity": 1 }], "note": "for Ada's birthday",
    });
    let order = shop.post_as(&ada, "/orders", &wanted).await.expect(201);
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    let note = async || shop.get_as(&admin, &path).await.expect(200)["note"].take();
    let file = desk.file("orders.dump");
    desk.backup("orders", &file).await;

    let gone = shop.delete_as(&ada, "/users/me").await;
    assert_eq!(gone.status, 204, "{:?}", gone.json);
    eventually("the order knows nothing of her", async || {
        note().await.is_null()
    })
    .await;
    let restored = desk.restore("orders", &file).await;
    assert_eq!(restored.status.code(), Some(0), "{}", said(&restored));
    assert_eq!(note().await, "for Ada's birthday");
    // As the shop does by itself, from a minute after the erasure on.
    let settled = shop.orders().settle_erasures_once(Duration::ZERO).await;
    settled.unwrap();
    assert_eq!(note().await, Value::Null);
    shop.close().await;
}

#[tokio::test]
async fn an_older_backup_is_brought_up_to_date() {
    let shop = TestShop::open().await;
    let admin = shop.admin().await;
    let older = TestDatabases::create_of(&[Module::Orders]).await;
    sql(
        &older,
        Module::Orders,
        "drop table webhooks, webhook_deliveries;
         delete from _sqlx_migrations where version = 9",
    )
    .await;
    let (then, now) = (Desk::of(&older), Desk::of(&shop.databases));
    let file = then.file("orders.dump");
    then.backup("orders", &file).await;
    let restored = now.restore("orders", &file).await;
    assert_eq!(restored.status.code(), Some(0), "{}", said(&restored));
    assert!(
        said(&restored).contains("applied 0009 "),
        "{}",
        said(&restored)
    );
    let webhooks = shop.get_as(&admin, "/webhooks").await.expect(200);
    assert_eq!(webhooks["items"], json!([]));
    shop.close().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let shop = TestShop::open().await;
    let desk = Desk::of(&shop.databases);
    let admin = shop.admin().await;
    let lamp = shop.product(&admin, "LAMP", 1_999, 100).await;
    let place = async || shop.place_order(&admin, &[(&lamp, 1)]).await.expect(201);
    place().await;
    let file = desk.file("orders.dump");
    desk.backup("orders", &file).await;
    let whole = std::fs::read(&file).unwrap();

    let again = desk.run(&["backup", "orders", text(&file)]).await;
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert!(
        said(&again).contains("is there already"),
        "{}",
        said(&again)
    );
    assert!(said(&again).contains("--force"), "{}", said(&again));
    assert_eq!(std::fs::read(&file).unwrap(), whole);
    let forced = desk
        .run(&["backup", "orders", text(&file), "--force"])
        .await;
    assert_eq!(forced.status.code(), Some(0), "{}", said(&forced));

    place().await;
    desk.refused(
        "products",
        &file,
        "holds what is of orders, not of products",
    )
    .await;
    desk.refused("orders", &desk.file("none.dump"), "none.dump")
        .await;
    let damaged = desk.file("damaged.dump");
    let mut zeros = whole.clone();
    let length = whole.len();
    zeros[length / 3 * 2..].fill(0);
    for damage in [
        &whole[..length / 2],
        &whole[..length - 9],
        &zeros,
        b"not a backup",
    ] {
        std::fs::write(&damaged, damage).unwrap();
        desk.refused("orders", &damaged, "damaged.dump").await;
    }

    // A file of a newer release.
    let newer = desk.file("newer.dump");
    let version = "insert into _sqlx_migrations
                   select 9999, description, installed_on, success, checksum, execution_time
                   from _sqlx_migrations where version = 1";
    sql(&shop.databases, Module::Orders, version).await;
    desk.backup("orders", &newer).await;
    desk.refused("orders", &file, "is of a newer release").await;
    let version = "delete from _sqlx_migrations where version = 9999";
    sql(&shop.databases, Module::Orders, version).await;
    desk.refused("orders", &newer, "is of a newer release")
        .await;

    // Whole, and yet it cannot be put in: the last of its indexes cannot be made.
    let odd = "create function odd(text) returns text immutable language plpgsql
                 as $$ begin return $1; end $$;
               create index zzz_odd on orders (odd(number));
               create or replace function odd(text) returns text immutable language plpgsql
                 as $$ begin raise exception 'the index is odd'; end $$;";
    sql(&shop.databases, Module::Orders, odd).await;
    let late = desk.file("late.dump");
    desk.backup("orders", &late).await;
    sql(&shop.databases, Module::Orders, "drop function odd cascade").await;
    place().await;
    desk.refused("orders", &late, "nothing was changed: ").await;

    assert_eq!(orders(&shop, &admin).await, 3);
    place().await;
    // What is somebody else's is not dropped.
    let foreign = "drop table _sqlx_migrations; create table cats ()";
    sql(&shop.databases, Module::Orders, foreign).await;
    desk.refused("orders", &file, "holds no database of Cleave")
        .await;
    assert_eq!(orders(&shop, &admin).await, 4);
    let off = ["backup", "orders", "x", "--set", "modules.orders.mode=off"];
    let off = run(command(desk.folder.path(), free_address(), &off)).await;
    assert_eq!(off.status.code(), Some(2), "{}", said(&off));
    shop.close().await;
}
