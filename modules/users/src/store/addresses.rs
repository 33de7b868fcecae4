//! The addresses of an account. Which one is its default, the account says.
//!
//! Changes are made in one transaction that begins with [`lock`], so that of two each sees what the
//! other has left.

use platform::Limit;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::address::{Address, MOST, NewAddress};

pub(crate) async fn by_id(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<Address>, sqlx::Error> {
    sqlx::query_as!(
        Address,
        r#"select a.id, a.name, a.line1, a.line2, a.city, a.region, a.postal_code, a.country,
                  a.phone, u.default_address_id is not distinct from a.id as "is_default!"
           from addresses a join users u on u.id = a.user_id
           where a.user_id = $1 and a.id = $2"#,
        user_id,
        id,
    )
    .fetch_optional(db)
    .await
}

/// The newest first; those before an id.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    before: Option<Uuid>,
    limit: Limit,
) -> Result<Vec<Address>, sqlx::Error> {
    sqlx::query_as!(
        Address,
        r#"select a.id, a.name, a.line1, a.line2, a.city, a.region, a.postal_code, a.country,
                  a.phone, u.default_address_id is not distinct from a.id as "is_default!"
           from addresses a join users u on u.id = a.user_id
           where a.user_id = $1 and ($2::uuid is null or a.id < $2)
           order by a.id desc
           limit $3"#,
        user_id,
        before,
        limit.rows_to_fetch(),
    )
    .fetch_all(db)
    .await
}

/// An account whose addresses nobody else changes until the transaction ends.
pub(crate) struct Locked {
    pub(crate) default_address_id: Option<Uuid>,
}

/// `None` when the account is deleted.
pub(crate) async fn lock(
    tx: impl PgExecutor<'_>,
    user_id: Uuid,
) -> Result<Option<Locked>, sqlx::Error> {
    sqlx::query_as!(
        Locked,
        "select default_address_id from users
         where id = $1 and deleted_at is null
         for no key update",
        user_id,
    )
    .fetch_optional(tx)
    .await
}

/// Whether there was room for it.
pub(crate) async fn insert(
    tx: impl PgExecutor<'_>,
    user_id: Uuid,
    id: Uuid,
    new: &NewAddress,
    is_default: bool,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query_scalar!(
        r#"with inserted as (
               insert into addresses (user_id, id, name, line1, line2, city, region, postal_code,
                                      country, phone)
               select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
               where (select count(*) from addresses where user_id = $1) < $12
               returning id
           ), pointed_at as (
               update users set default_address_id = inserted.id from inserted
               where users.id = $1 and $11
           )
           select id from inserted"#,
        user_id,
        id,
        new.name,
        new.line1,
        new.line2,
        new.city,
        new.region,
        new.postal_code,
        new.country,
        new.phone,
        is_default,
        MOST,
    )
    .fetch_optional(tx)
    .await?;
    Ok(inserted.is_some())
}

/// Whether there was one.
pub(crate) async fn replace(
    tx: impl PgExecutor<'_>,
    user_id: Uuid,
    id: Uuid,
    new: &NewAddress,
    is_default: bool,
) -> Result<bool, sqlx::Error> {
    let replaced = sqlx::query_scalar!(
        r#"with replaced as (
               update addresses set
                   name = $3, line1 = $4, line2 = $5, city = $6, region = $7, postal_code = $8,
                   country = $9, phone = $10, updated_at = now()
               where user_id = $1 and id = $2
               returning id
           ), pointed_at as (
               update users set default_address_id = replaced.id from replaced
               where users.id = $1 and $11
           )
           select id from replaced"#,
        user_id,
        id,
        new.name,
        new.line1,
        new.line2,
        new.city,
        new.region,
        new.postal_code,
        new.country,
        new.phone,
        is_default,
    )
    .fetch_optional(tx)
    .await?;
    Ok(replaced.is_some())
}

/// The newest of the others becomes the default when this one was it. Whether there was one.
pub(crate) async fn delete(
    tx: impl PgExecutor<'_>,
    user_id: Uuid,
    id: Uuid,
) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query_scalar!(
        r#"with deleted as (
               delete from addresses where user_id = $1 and id = $2 returning id
           ), pointed_elsewhere as (
               update users set default_address_id = (
                   select other.id from addresses other
                   where other.user_id = $1 and other.id <> $2
                   order by other.id desc limit 1)
               from deleted where users.id = $1 and default_address_id = deleted.id
           )
           select id from deleted"#,
        user_id,
        id,
    )
    .fetch_optional(tx)
    .await?;
    Ok(deleted.is_some())
}
