//! What becomes of an account. To be called in one transaction, [`lock`] first.

use platform::outbox::Outbox;
use ports::events::Event;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::account::Role;
use crate::events;

/// An account that nobody else changes until the transaction ends.
pub(crate) struct Locked {
    pub(crate) account: LockedAccount,
    /// Whether another administrator can sign in; it stays so, too.
    pub(crate) other_admins: bool,
}

pub(crate) struct LockedAccount {
    pub(crate) id: Uuid,
    pub(crate) role: Role,
    pub(crate) is_active: bool,
    pub(crate) is_deleted: bool,
}

impl LockedAccount {
    pub(crate) fn administers(&self) -> bool {
        self.role == Role::Admin && self.is_active
    }
}

/// Locks the account, and with an administrator all the others: of two who lock each other out, the
/// second waits here and reads what the first has left. Rows are locked in id order.
pub(crate) async fn lock(tx: &mut PgConnection, id: Uuid) -> Result<Option<Locked>, sqlx::Error> {
    let mut locked = sqlx::query_as!(
        LockedAccount,
        r#"select id, role as "role: Role", is_active, deleted_at is not null as "is_deleted!"
           from users
           where id in (
               select $1
               union all
               select admin.id from users admin
               where admin.role = 'admin' and admin.is_active
                 and exists (select from users u
                             where u.id = $1 and u.role = 'admin' and u.is_active))
           order by id
           for update of users"#,
        id,
    )
    .fetch_all(tx)
    .await?;
    let Some(position) = locked.iter().position(|account| account.id == id) else {
        return Ok(None);
    };
    let account = locked.swap_remove(position);
    let other_admins = locked.iter().any(LockedAccount::administers);
    Ok(Some(Locked {
        account,
        other_admins,
    }))
}

/// Changes a locked account, tells of it, and ends its sessions when it is not active any more.
pub(crate) async fn change(
    tx: &mut PgConnection,
    id: Uuid,
    role: Role,
    is_active: bool,
    outbox: &Outbox,
    event: Option<Event>,
) -> Result<(), sqlx::Error> {
    let (event_id, event, subscribers) = event
        .as_ref()
        .map_or_else(Default::default, |event| row(outbox, event));
    sqlx::query!(
        "with changed as (
             update users set role = $2, is_active = $3, updated_at = now()
             where id = $1
             returning id
         ), ended as (
             update sessions set revoked_at = now() from changed
             where user_id = changed.id and not $3 and revoked_at is null
         )
         insert into outbox (event_id, subscriber, aggregate_id, event)
         select $4, subscriber, changed.id, $5
         from changed, unnest($6::text[]) as subscriber",
        id,
        role as Role,
        is_active,
        event_id,
        event as _,
        &subscribers,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Replaces what tells of a person by what tells nothing; sessions, refresh tokens
/// and addresses go. An email's
/// key has an `@`, so the new one is nobody's; the address is in a domain that cannot exist (RFC
/// 2606, 2).
pub(crate) async fn anonymise(
    tx: &mut PgConnection,
    id: Uuid,
    outbox: &Outbox,
    event: Event,
) -> Result<(), sqlx::Error> {
    let (event_id, event, subscribers) = row(outbox, &event);
    sqlx::query!(
        "with deleted as (
             update users set
                 email = 'deleted-' || id || '@deleted.invalid',
                 email_key = 'deleted ' || id,
                 full_name = 'Deleted user',
                 password_hash = null,
                 role = 'customer',
                 is_active = false,
                 default_address_id = null,
                 deleted_at = now(),
                 updated_at = now()
             where id = $1
             returning id
         ), signed_out as (
             delete from sessions using deleted where user_id = deleted.id
         ), moved_out as (
             delete from addresses using deleted where user_id = deleted.id
         )
         insert into outbox (event_id, subscriber, aggregate_id, event)
         select $2, subscriber, deleted.id, $3
         from deleted, unnest($4::text[]) as subscriber",
        id,
        event_id,
        event as _,
        &subscribers,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Tells of what this transaction has done.
pub(crate) async fn announce(
    tx: &mut PgConnection,
    outbox: &Outbox,
    event: Event,
) -> Result<(), sqlx::Error> {
    let aggregate_id = event.body.aggregate_id();
    let (event_id, event, subscribers) = row(outbox, &event);
    sqlx::query!(
        "insert into outbox (event_id, subscriber, aggregate_id, event)
         select $1, subscriber, $2, $3 from unnest($4::text[]) as subscriber",
        event_id,
        aggregate_id,
        event as _,
        &subscribers,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An event as the outbox takes it.
fn row<'a>(outbox: &Outbox, event: &'a Event) -> (Uuid, Option<Json<&'a Event>>, Vec<String>) {
    let subscribers = outbox.subscribers(events::subscribers(&event.body));
    (event.id, Some(Json(event)), subscribers)
}
