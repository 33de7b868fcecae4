use sqlx::PgConnection;

use crate::settings::Module;

/// Of whom a module says nothing any more, whatever is restored.
#[derive(Default)]
pub struct Erasures(#[cfg(feature = "orders")] Vec<orders::Erasure>);

impl Erasures {
    pub async fn of(module: Module, database: &mut PgConnection) -> Result<Self, sqlx::Error> {
        #[cfg(feature = "orders")]
        if module == Module::Orders {
            return orders::erasures(database).await.map(Self);
        }
        Ok(Self::default())
    }

    pub async fn repeat(self, database: &mut PgConnection) -> Result<(), sqlx::Error> {
        #[cfg(feature = "orders")]
        if !self.0.is_empty() {
            orders::erase_again(database, self.0).await?;
        }
        Ok(())
    }
}
