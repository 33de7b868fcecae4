use sqlx::PgExecutor;
use uuid::Uuid;

use crate::account::{Role, User};
use crate::email::Email;

/// Makes a customer. Breaks `users_email_key` when the address is taken.
pub(crate) async fn insert(
    db: impl PgExecutor<'_>,
    email: &Email,
    password_hash: &str,
    full_name: &str,
) -> Result<User, sqlx::Error> {
    sqlx::query_as!(
        User,
        r#"insert into users (id, email, email_key, password_hash, full_name)
           values ($1, $2, $3, $4, $5)
           returning id, email, full_name, role as "role: Role", is_active, created_at, updated_at"#,
        Uuid::now_v7(),
        email.address,
        email.key,
        password_hash,
        full_name,
    )
    .fetch_one(db)
    .await
}

/// What a sign-in needs to know.
pub(crate) struct Credentials {
    pub(crate) user_id: Uuid,
    pub(crate) password_hash: String,
    pub(crate) role: Role,
    pub(crate) is_active: bool,
}

pub(crate) async fn credentials(
    db: impl PgExecutor<'_>,
    email_key: &str,
) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"select id as user_id, password_hash as "password_hash!", role as "role: Role", is_active
           from users where email_key = $1 and deleted_at is null"#,
        email_key,
    )
    .fetch_optional(db)
    .await
}

/// Replaces a hash by another of the same password, unless the password was changed meanwhile.
pub(crate) async fn rehash(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    old: &str,
    new: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update users set password_hash = $3 where id = $1 and password_hash = $2",
        user_id,
        old,
        new,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The account behind an access token, unless it is locked or the token's session was ended.
pub(crate) async fn signed_in(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    session_id: Uuid,
) -> Result<Option<User>, sqlx::Error> {
    sqlx::query_as!(
        User,
        r#"select id, email, full_name, role as "role: Role", is_active, created_at, updated_at
           from users
           where id = $1 and is_active
             and not exists (
                 select from sessions where sessions.id = $2 and revoked_at is not null)"#,
        user_id,
        session_id,
    )
    .fetch_optional(db)
    .await
}

pub(crate) async fn by_id(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
) -> Result<Option<User>, sqlx::Error> {
    sqlx::query_as!(
        User,
        r#"select id, email, full_name, role as "role: Role", is_active, created_at, updated_at
           from users where id = $1"#,
        user_id,
    )
    .fetch_optional(db)
    .await
}

pub(crate) struct Standing {
    pub(crate) is_active: bool,
    pub(crate) role: Role,
    pub(crate) session_ended: bool,
}

pub(crate) async fn standing(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    session_id: Option<Uuid>,
) -> Result<Option<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"select is_active, role as "role: Role",
                  $2::uuid is not null and not exists (
                    select from sessions
                    where sessions.id = $2 and user_id = $1 and revoked_at is null
                  ) as "session_ended!"
           from users where users.id = $1"#,
        user_id,
        session_id,
    )
    .fetch_optional(db)
    .await
}
