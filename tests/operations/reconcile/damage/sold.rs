//! What is damaged: an order of three lamps, of a hundred.

use cleave::settings::Module::{self, Orders};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::{Customer, TestShop};

/// The ids of an order whose events are delivered.
pub struct Sold {
    pub order: String,
    pub number: String,
    pub reservation: Uuid,
    pub product: String,
    other: Uuid,
}

impl Sold {
    pub async fn lamps(shop: &TestShop, admin: &Customer, number: usize, life: &[&str]) -> Self {
        let sku = format!("LAMP-{number}");
        let product = shop.product(admin, &sku, 1_999, 100).await;
        let placed = shop.place_order(admin, &[(&product, 3)]).await.expect(201);
        let order = placed["id"].as_str().unwrap().to_owned();
        for step in life {
            shop.step_order(admin, &order, step).await.expect(200);
        }
        shop.expect_balanced_books().await;
        let reservation = sqlx::query_scalar("select reservation_id from orders where id = $1")
            .bind(Uuid::parse_str(&order).unwrap())
            .fetch_one(&mut shop.connect(Orders).await)
            .await
            .unwrap();
        Self {
            order,
            number: placed["number"].as_str().unwrap().to_owned(),
            reservation,
            product,
            other: Uuid::now_v7(),
        }
    }

    pub fn fill(&self, text: &str) -> String {
        text.replace("{order}", &self.order)
            .replace("{reservation}", &self.reservation.to_string())
            .replace("{product}", &self.product)
            .replace("{other}", &self.other.to_string())
    }

    pub async fn status(&self, shop: &TestShop, admin: &Customer) -> String {
        let order = shop.get_as(admin, &format!("/orders/{}", self.order)).await;
        order.expect(200)["status"].as_str().unwrap().to_owned()
    }

    pub async fn write(&self, shop: &TestShop, database: Module, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(self.fill(statements)))
            .execute(&mut shop.connect(database).await)
            .await
            .unwrap();
    }
}
