//! What becomes of an account. To be called in one transaction, [`lock`] first.

use platform::outbox::{self, Outbox};
use platform::trace::{Context, Span};
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

/// What is told of a change.
pub(crate) struct News {
    pub(crate) event: Event,
    /// Whatever caused the change.
    pub(crate) cause: Option<Context>,
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
    news: Option<News>,
) -> Result<(), sqlx::Error> {
    let row = news.as_ref().map(|news| Row::of(outbox, news));
    let row = row.unwrap_or_default();
    sqlx::query!(
        "with changed as (
             update users set role = $2, is_active = $3, updated_at = now()
             where id = $1
             returning id
         ), ended as (
             update sessions set revoked_at = now() from changed
             where user_id = changed.id and not $3 and revoked_at is null
         )
         insert into outbox (event_id, subscriber, aggregate_id, event, traceparent)
         select $4, subscriber, changed.id, $5, $7
         from changed, unnest($6::text[]) as subscriber",
        id,
        role as Role,
        is_active,
        row.event_id,
        row.event as _,
        &row.subscribers,
        row.traceparent,
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
    news: News,
) -> Result<(), sqlx::Error> {
    let row = Row::of(outbox, &news);
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
         insert into outbox (event_id, subscriber, aggregate_id, event, traceparent)
         select $2, subscriber, deleted.id, $3, $5
         from deleted, unnest($4::text[]) as subscriber",
        id,
        row.event_id,
        row.event as _,
        &row.subscribers,
        row.traceparent,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Tells of what this transaction has done.
pub(crate) async fn announce(
    tx: &mut PgConnection,
    outbox: &Outbox,
    news: News,
) -> Result<(), sqlx::Error> {
    let row = Row::of(outbox, &news);
    sqlx::query!(
        "insert into outbox (event_id, subscriber, aggregate_id, event, traceparent)
         select $1, subscriber, $2, $3, $5 from unnest($4::text[]) as subscriber",
        row.event_id,
        news.event.body.aggregate_id(),
        row.event as _,
        &row.subscribers,
        row.traceparent,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An event as the outbox takes it.
#[derive(Default)]
struct Row<'a> {
    event_id: Uuid,
    event: Option<Json<&'a Event>>,
    subscribers: Vec<String>,
    traceparent: Option<String>,
    /// Lasts until it is written down.
    _publishing: Option<Span>,
}

impl<'a> Row<'a> {
    fn of(outbox: &Outbox, news: &'a News) -> Self {
        let event = &news.event;
        let publishing = outbox::publish(news.cause, event.body.name());
        Self {
            event_id: event.id,
            event: Some(Json(event)),
            subscribers: outbox.subscribers(events::subscribers(&event.body)),
            traceparent: publishing.context().map(|context| context.to_string()),
            _publishing: Some(publishing),
        }
    }
}
