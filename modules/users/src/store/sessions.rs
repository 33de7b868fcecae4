//! Sessions and their refresh tokens. Each function is one statement, so that it happens as a
//! whole or not at all, also when the caller goes away.

use std::time::Duration;

use platform::Limit;
use platform::Pool;
use platform::db::retry_contention;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::account::Role;

/// The SHA-256 of a refresh token.
pub(crate) type TokenHash = [u8; 32];

/// From where a session is opened or refreshed.
pub(crate) struct Device {
    pub(crate) user_agent: Option<String>,
    pub(crate) address: String,
}

/// Opens a session, unless the account was locked or its password changed since it was verified.
/// The share lock makes a change of password wait, so that it sees the session and ends it.
pub(crate) async fn open(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    verified_password_hash: &str,
    token: &TokenHash,
    lifetime: Duration,
    device: &Device,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"with account as (
               select id from users where id = $2 and password_hash = $3 and is_active for share
           ), session as (
               insert into sessions (id, user_id, expires_at, user_agent, address)
               select $1, id, now() + make_interval(secs => $5), $6, $7 from account
               returning id
           )
           insert into refresh_tokens (hash, session_id) select $4, id from session
           returning session_id"#,
        Uuid::now_v7(),
        user_id,
        verified_password_hash,
        token,
        lifetime.as_secs_f64(),
        device.user_agent,
        device.address,
    )
    .fetch_optional(db)
    .await
}

pub(crate) struct Rotated {
    pub(crate) session_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) role: Role,
}

/// Spends a refresh token and puts the next one in force. Of several that spend one token at the
/// same time, the row lets one through; the others get `None`, as with a token that is not in
/// force. A deletion of the account locks the two rows the other way round; whoever is turned back
/// then tries again.
pub(crate) async fn rotate(
    pool: &Pool,
    token: &TokenHash,
    next: &TokenHash,
    lifetime: Duration,
    device: &Device,
) -> Result<Option<Rotated>, sqlx::Error> {
    retry_contention(|| {
        sqlx::query_as!(
            Rotated,
            r#"with spent as (
               update refresh_tokens t set spent_at = now()
               from sessions s join users u on u.id = s.user_id
               where t.hash = $1 and t.spent_at is null
                 and s.id = t.session_id and s.revoked_at is null and s.expires_at > now()
                 and u.is_active
               returning s.id as session_id, u.id as user_id, u.role
           ), issued as (
               insert into refresh_tokens (hash, session_id) select $2, session_id from spent
           ), extended as (
               update sessions s set
                   expires_at = now() + make_interval(secs => $3),
                   used_at = now(), user_agent = $4, address = $5
               from spent where s.id = spent.session_id
           )
           select session_id, user_id, role as "role: Role" from spent"#,
            token,
            next,
            lifetime.as_secs_f64(),
            device.user_agent,
            device.address,
        )
        .fetch_optional(pool)
    })
    .await
}

/// Ends the session of a token that was spent before; its id, when there was one to end.
pub(crate) async fn end_if_spent(
    db: impl PgExecutor<'_>,
    token: &TokenHash,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "update sessions set revoked_at = now()
         where revoked_at is null
           and id = (select session_id from refresh_tokens
                     where hash = $1 and spent_at is not null)
         returning id",
        token,
    )
    .fetch_optional(db)
    .await
}

/// Ends the session of a token, spent or not.
pub(crate) async fn end(db: impl PgExecutor<'_>, token: &TokenHash) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update sessions set revoked_at = now()
         where revoked_at is null
           and id = (select session_id from refresh_tokens where hash = $1)",
        token,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A session that goes on.
pub(crate) struct Open {
    pub(crate) id: Uuid,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) used_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) user_agent: Option<String>,
    pub(crate) address: Option<String>,
}

/// The newest first; those before an id.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    before: Option<Uuid>,
    limit: Limit,
) -> Result<Vec<Open>, sqlx::Error> {
    sqlx::query_as!(
        Open,
        "select id, created_at, used_at, expires_at, user_agent, address
         from sessions
         where user_id = $1 and ($2::uuid is null or id < $2)
           and revoked_at is null and expires_at > now()
         order by id desc
         limit $3",
        user_id,
        before,
        limit.rows_to_fetch(),
    )
    .fetch_all(db)
    .await
}

/// Ends one that goes on; whether there was one.
pub(crate) async fn end_by_id(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    id: Uuid,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query!(
        "update sessions set revoked_at = now()
         where id = $1 and user_id = $2 and revoked_at is null and expires_at > now()",
        id,
        user_id,
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Deletes up to `limit` tokens of the `limit` sessions that expired first; how many. Until a session
/// is over its spent tokens stay, since one that comes back must end it however late.
pub(crate) async fn delete_tokens_of_expired(
    db: impl PgExecutor<'_>,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        "delete from refresh_tokens where hash = any(array(
             select hash from refresh_tokens
             where session_id = any(array(
                 select id from sessions where expires_at < now() order by expires_at limit $1))
             limit $1 for update skip locked))",
        limit,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Deletes up to `limit` sessions that have expired, with what is left of their tokens; how many.
pub(crate) async fn delete_expired(
    db: impl PgExecutor<'_>,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        "delete from sessions where id in (
             select id from sessions where expires_at < now()
             order by expires_at limit $1 for update skip locked)",
        limit,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}
