//! An account's address book. With any address in it, one is the default.

use platform::db::{self, retry_contention};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Module;
use crate::address::{Address, NewAddress};
use crate::store::addresses::{self, Locked};

#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    #[error("the account is deleted")]
    AccountDeleted,
    #[error("there is no such address")]
    Unknown,
    #[error("the book is full")]
    Full,
    #[error("the users database failed")]
    Database(#[from] sqlx::Error),
}

impl Module {
    pub(crate) async fn add_address(
        &self,
        user_id: Uuid,
        new: NewAddress,
    ) -> Result<Address, BookError> {
        let id = Uuid::now_v7();
        let is_default = self.with_book(user_id, async |tx, book| {
            let is_default = new.is_default || book.default_address_id.is_none();
            match addresses::insert(tx, user_id, id, &new, is_default).await? {
                true => Ok(is_default),
                false => Err(BookError::Full),
            }
        });
        let is_default = is_default.await?;
        Ok(new.kept_as(id, is_default))
    }

    pub(crate) async fn replace_address(
        &self,
        user_id: Uuid,
        id: Uuid,
        new: NewAddress,
    ) -> Result<Address, BookError> {
        let is_default = self.with_book(user_id, async |tx, book| {
            let is_default = new.is_default || book.default_address_id == Some(id);
            match addresses::replace(tx, user_id, id, &new, is_default).await? {
                true => Ok(is_default),
                false => Err(BookError::Unknown),
            }
        });
        let is_default = is_default.await?;
        Ok(new.kept_as(id, is_default))
    }

    pub(crate) async fn delete_address(&self, user_id: Uuid, id: Uuid) -> Result<(), BookError> {
        let deleted = self.with_book(user_id, async |tx, _| {
            match addresses::delete(tx, user_id, id).await? {
                true => Ok(()),
                false => Err(BookError::Unknown),
            }
        });
        deleted.await
    }

    /// One transaction, with the account locked.
    async fn with_book<T>(
        &self,
        user_id: Uuid,
        work: impl AsyncFn(&mut PgConnection, &Locked) -> Result<T, BookError>,
    ) -> Result<T, BookError> {
        let answer = retry_contention(async || {
            let mut tx = db::begin(&self.pool).await?;
            let Some(locked) = addresses::lock(&mut *tx, user_id).await? else {
                return Ok(Err(BookError::AccountDeleted));
            };
            match work(&mut tx, &locked).await {
                Ok(done) => tx.commit().await.map(|()| Ok(done)),
                Err(BookError::Database(error)) => Err(error),
                Err(refusal) => Ok(Err(refusal)),
            }
        });
        answer.await?
    }
}
