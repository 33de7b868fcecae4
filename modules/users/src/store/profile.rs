use sqlx::PgExecutor;
use uuid::Uuid;

use crate::account::{Role, User};
use crate::profile::Profile;

/// `None` when the account is deleted. Breaks `users_email_key` when the address is somebody else's.
pub(crate) async fn change(
    db: impl PgExecutor<'_>,
    id: Uuid,
    change: &Profile,
) -> Result<Option<User>, sqlx::Error> {
    let email = change.email.as_ref();
    sqlx::query_as!(
        User,
        r#"with wanted as (
               select id, coalesce($2, full_name) as full_name, coalesce($3, email) as email,
                      coalesce($4, email_key) as email_key
               from users where id = $1 and deleted_at is null
               for no key update
           ), changed as (
               update users set
                   full_name = wanted.full_name, email = wanted.email,
                   email_key = wanted.email_key, updated_at = now()
               from wanted
               where users.id = wanted.id
                 and (users.full_name, users.email) <> (wanted.full_name, wanted.email)
               returning users.updated_at
           )
           select users.id as "id!", wanted.email as "email!", wanted.full_name as "full_name!",
                  users.role as "role!: Role", users.is_active as "is_active!",
                  users.created_at as "created_at!",
                  coalesce((select updated_at from changed), users.updated_at) as "updated_at!"
           from users join wanted using (id)"#,
        id,
        change.full_name,
        email.map(|email| &email.address),
        email.map(|email| &email.key),
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn password_hash(
    db: impl PgExecutor<'_>,
    id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    let hash = sqlx::query_scalar!("select password_hash from users where id = $1", id);
    Ok(hash.fetch_optional(db).await?.flatten())
}

/// Keeps everybody else from changing it until the transaction ends, unless somebody has done so
/// since this one was verified.
pub(crate) async fn lock_password(
    tx: impl PgExecutor<'_>,
    id: Uuid,
    verified_password_hash: &str,
) -> Result<bool, sqlx::Error> {
    let locked = sqlx::query_scalar!(
        "select id from users where id = $1 and password_hash = $2 for no key update",
        id,
        verified_password_hash,
    );
    Ok(locked.fetch_optional(tx).await?.is_some())
}

/// Ends every session but `kept`.
pub(crate) async fn set_password(
    tx: impl PgExecutor<'_>,
    id: Uuid,
    kept: Uuid,
    password_hash: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with ended as (
             update sessions set revoked_at = now()
             where user_id = $1 and id <> $2 and revoked_at is null
         )
         update users set password_hash = $3, updated_at = now() where id = $1",
        id,
        kept,
        password_hash,
    )
    .execute(tx)
    .await?;
    Ok(())
}
