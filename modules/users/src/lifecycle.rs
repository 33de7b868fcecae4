//! Accounts are locked, unlocked, given another role, and deleted. There is always an administrator
//! who can sign in, whoever does what to whom at the same time.

use platform::db::{self, retry_contention};
use platform::trace::Context;
use ports::events::{Event, EventBody, UserDeactivated, UserDeleted, UserReactivated};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Module;
use crate::account::{Role, User};
use crate::store::lifecycle::{self, Locked, News};
use crate::store::users;

/// What is absent stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    pub(crate) role: Option<Role>,
    pub(crate) is_active: Option<bool>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("there is no such account")]
    Unknown,
    #[error("the account is deleted")]
    Deleted,
    #[error("it is the last administrator who can sign in")]
    LastAdmin,
    #[error("the users database failed")]
    Database(#[from] sqlx::Error),
}

impl Module {
    /// Answers the account as it is afterwards; what would change nothing writes nothing.
    pub(crate) async fn change_account(
        &self,
        id: Uuid,
        change: Change,
        trace: Context,
    ) -> Result<User, ChangeError> {
        let changed = self.in_one(id, async |tx, locked| {
            let role = change.role.unwrap_or(locked.account.role);
            let is_active = change.is_active.unwrap_or(locked.account.is_active);
            let was = (locked.account.role, locked.account.is_active);
            if (role, is_active) != was {
                locked.refuse_unless_administered(role == Role::Admin && is_active)?;
                let event = match is_active {
                    true => EventBody::UserReactivated(UserReactivated { user_id: id }),
                    false => EventBody::UserDeactivated(UserDeactivated { user_id: id }),
                };
                let news = (is_active != was.1).then(|| News {
                    event: Event::now(event),
                    cause: Some(trace),
                });
                lifecycle::change(tx, id, role, is_active, &self.outbox, news).await?;
            }
            let user = users::by_id(tx, id).await?;
            user.ok_or(ChangeError::Unknown)
        });
        let user = changed.await?;
        self.outbox.wake();
        Ok(user)
    }

    /// Leaves nothing of the person. Their orders stay, and orders is told to forget whose they
    /// were.
    pub(crate) async fn delete_account(&self, id: Uuid, trace: Context) -> Result<(), ChangeError> {
        let deleted = self.in_one(id, async |tx, locked| {
            locked.refuse_unless_administered(false)?;
            let event = Event::now(EventBody::UserDeleted(UserDeleted { user_id: id }));
            let news = News {
                event,
                cause: Some(trace),
            };
            Ok(lifecycle::anonymise(tx, id, &self.outbox, news).await?)
        });
        deleted.await?;
        platform::fail_point!("users.deleted");
        self.outbox.wake();
        Ok(())
    }

    /// One transaction, with the account locked. The lock makes a sign-in wait, or waits for it, so
    /// that the statements that follow see its session.
    async fn in_one<T>(
        &self,
        id: Uuid,
        work: impl AsyncFn(&mut PgConnection, &Locked) -> Result<T, ChangeError>,
    ) -> Result<T, ChangeError> {
        let answer = retry_contention(async || {
            let mut tx = db::begin(&self.pool).await?;
            let Some(locked) = lifecycle::lock(&mut tx, id).await? else {
                return Ok(Err(ChangeError::Unknown));
            };
            match work(&mut tx, &locked).await {
                Ok(done) => tx.commit().await.map(|()| Ok(done)),
                Err(ChangeError::Database(error)) => Err(error),
                Err(refusal) => Ok(Err(refusal)),
            }
        });
        answer.await?
    }
}

impl Locked {
    /// `remains`: the account will be that of an administrator who can sign in.
    fn refuse_unless_administered(&self, remains: bool) -> Result<(), ChangeError> {
        let account = &self.account;
        if account.is_deleted {
            return Err(ChangeError::Deleted);
        }
        match account.administers() && !remains && !self.other_admins {
            true => Err(ChangeError::LastAdmin),
            false => Ok(()),
        }
    }
}
