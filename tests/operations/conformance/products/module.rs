use std::sync::Arc;
use std::time::Duration;

use cleave::settings::Module;
use ports::{Currency, Money, Products};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ProductsWorld;
use crate::conformance::bench::{Fault, World};
use crate::conformance::database::Database;
use crate::support::eventually;

/// The products module on a database of its own.
pub struct ProductsModule {
    module: Arc<products::Module>,
    pub(super) database: Database,
}

impl World for ProductsModule {
    type Port = dyn Products;

    async fn open() -> Self {
        let tables = "products, stock, reservations, reservation_lines";
        let database = Database::create(Module::Products, tables).await;
        let config = products::Config {
            hold_ttl: Duration::from_secs(900),
            currency: Currency::EUR,
            import_bytes: 0,
            upload_bytes: 0,
            media: products::MediaStore::in_memory(),
        };
        let module = Arc::new(products::Module::new(database.pool(), config));
        Self { module, database }
    }

    fn port(&self) -> Arc<dyn Products> {
        Arc::clone(&self.module) as _
    }

    async fn suffer(&self, fault: Fault) {
        self.database.suffer(fault).await;
    }

    async fn waiting(&self, calls: usize) {
        self.database.waiting(calls).await;
    }

    async fn recover(&self) {
        self.database.recover().await;
    }
}

impl ProductsWorld for ProductsModule {
    async fn product(&self, name: &str, price: Money, on_hand: i64) -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query(
            "with product as (
               insert into products (id, sku, name, price_minor, currency, search)
               values ($1, $1::text, $2, $3, $4, '')
             ),
             movement as (
               insert into stock_movements (product_id, delta, reason)
               select $1, $5, 'counted' where $5 <> 0
             )
             insert into stock (product_id, on_hand) values ($1, $5)",
        )
        .bind(id)
        .bind(name)
        .bind(price.amount)
        .bind(price.currency.code())
        .bind(on_hand)
        .execute(&self.database.aside)
        .await
        .unwrap();
        id
    }

    async fn change_price(&self, product_id: Uuid, price: Money) {
        sqlx::query("update products set price_minor = $2, currency = $3 where id = $1")
            .bind(product_id)
            .bind(price.amount)
            .bind(price.currency.code())
            .execute(&self.database.aside)
            .await
            .unwrap();
    }

    async fn retire(&self, product_id: Uuid) {
        sqlx::query("update products set is_active = false where id = $1")
            .bind(product_id)
            .execute(&self.database.aside)
            .await
            .unwrap();
    }

    async fn expire_holds(&self) {
        let database = &self.database.aside;
        sqlx::query("update reservations set expires_at = now() where state = 'held'")
            .execute(database)
            .await
            .unwrap();
        let stop = CancellationToken::new();
        let sweeper = tokio::spawn(Arc::clone(&self.module).sweep(stop.clone()));
        eventually("expired holds are swept", async || {
            let left = "select count(*) from reservations where state = 'held'";
            let left = sqlx::query_scalar::<_, i64>(left);
            left.fetch_one(database).await.unwrap() == 0
        })
        .await;
        stop.cancel();
        sweeper.await.unwrap();
    }

    async fn stock(&self, product_id: Uuid) -> (i64, i64) {
        sqlx::query_as("select on_hand, reserved from stock where product_id = $1")
            .bind(product_id)
            .fetch_one(&self.database.aside)
            .await
            .unwrap()
    }
}
