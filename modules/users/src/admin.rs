//! Administrators, made from the command line or at a first start.

use platform::db;
use platform::outbox::Outbox;
use ports::events::{Event, EventBody, UserReactivated};
use rand::seq::IndexedRandom;
use secrecy::SecretString;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::account::check_password;
use crate::email::{Email, InvalidEmail};
use crate::store::lifecycle::{self, News};
use crate::{HashError, Module};

const FIRST_ADMIN: &str = "admin@example.com";
const FULL_NAME: &str = "Administrator";

/// Letters and digits that are not taken for one another; 24 of them are 138 bits.
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const GENERATED_LENGTH: usize = 24;

/// Without `Debug`, which would bring the password into a log.
pub struct CreatedAdmin {
    /// As it is stored.
    pub email: String,
    pub outcome: Outcome,
    /// To be shown once; it is stored as a hash.
    pub generated_password: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    /// The account existed.
    Promoted,
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("the email {0}")]
    InvalidEmail(InvalidEmail),
    #[error("the password {0}")]
    InvalidPassword(garde::Error),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("the users database did not take the account")]
    Database(#[from] sqlx::Error),
}

impl Module {
    /// Makes an administrator. An account that exists is promoted, and unlocked when it was
    /// deactivated; it keeps its password unless one is given, which ends its sessions.
    pub async fn create_admin(
        &self,
        email: &str,
        password: Option<String>,
    ) -> Result<CreatedAdmin, AdminError> {
        let email = Email::parse(email).map_err(AdminError::InvalidEmail)?;
        let given = password.map(SecretString::from);
        if let Some(password) = &given {
            check_password(password, &()).map_err(AdminError::InvalidPassword)?;
        }
        let is_given = given.is_some();
        let generated = generate_password();
        let password = given.unwrap_or_else(|| generated.as_str().into());
        let hash = self.hasher.hash(password).await?;
        let mut tx = db::begin(&self.pool).await?;
        let (email, outcome) = upsert(&mut tx, &self.outbox, &email, &hash, is_given).await?;
        tx.commit().await?;
        let show = outcome == Outcome::Created && !is_given;
        Ok(CreatedAdmin {
            email,
            outcome,
            generated_password: show.then_some(generated),
        })
    }

    /// Makes `admin@example.com` when there is no administrator at all. Of several replicas that
    /// start at the same time one makes it; the others get `None`, as when that address belongs to
    /// a customer.
    pub async fn ensure_first_admin(&self) -> Result<Option<CreatedAdmin>, AdminError> {
        // A hash takes its time, so the usual case is found out first.
        let exists = sqlx::query_scalar!(
            r#"select exists (select from users where role = 'admin') as "exists!""#
        );
        if exists.fetch_one(&self.pool).await? {
            return Ok(None);
        }
        let email = Email::parse(FIRST_ADMIN).map_err(AdminError::InvalidEmail)?;
        let password = generate_password();
        let hash = self.hasher.hash(password.as_str().into()).await?;
        let made = insert_first(&self.pool, &email, &hash).await?;
        Ok(made.then_some(CreatedAdmin {
            email: email.address,
            outcome: Outcome::Created,
            generated_password: Some(password),
        }))
    }
}

async fn upsert(
    tx: &mut PgConnection,
    outbox: &Outbox,
    email: &Email,
    password_hash: &str,
    replace_password: bool,
) -> Result<(String, Outcome), sqlx::Error> {
    let was_active = sqlx::query_scalar!(
        "select is_active from users where email_key = $1 for update",
        email.key,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let id = Uuid::now_v7();
    let admin = sqlx::query!(
        "with admin as (
             insert into users (id, email, email_key, password_hash, full_name, role)
             values ($1, $2, $3, $4, $5, 'admin')
             on conflict (email_key) do update set
                 role = 'admin',
                 is_active = true,
                 password_hash = case when $6 then excluded.password_hash
                                      else users.password_hash end,
                 updated_at = now()
             returning id, email
         ), ended as (
             update sessions set revoked_at = now() from admin
             where user_id = admin.id and revoked_at is null and $6
         )
         select id, email from admin",
        id,
        email.address,
        email.key,
        password_hash,
        FULL_NAME,
        replace_password,
    )
    .fetch_one(&mut *tx)
    .await?;
    if was_active == Some(false) {
        let unlocked = UserReactivated { user_id: admin.id };
        let event = Event::now(EventBody::UserReactivated(unlocked));
        let news = News { event, cause: None };
        lifecycle::announce(tx, outbox, news).await?;
    }
    let outcome = match admin.id == id {
        true => Outcome::Created,
        false => Outcome::Promoted,
    };
    Ok((admin.email, outcome))
}

async fn insert_first(
    db: impl PgExecutor<'_>,
    email: &Email,
    password_hash: &str,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "insert into users (id, email, email_key, password_hash, full_name, role)
         select $1, $2, $3, $4, $5, 'admin'
         where not exists (select from users where role = 'admin')
         on conflict do nothing",
        Uuid::now_v7(),
        email.address,
        email.key,
        password_hash,
        FULL_NAME,
    )
    .execute(db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

fn generate_password() -> String {
    let mut rng = rand::rng();
    std::iter::repeat_with(|| ALPHABET.choose(&mut rng).copied())
        .flatten()
        .map(char::from)
        .take(GENERATED_LENGTH)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_password_is_one_that_may_be_set() {
        let password = generate_password();
        assert_eq!(password.len(), GENERATED_LENGTH);
        assert_ne!(password, generate_password());
        assert!(check_password(&password.into(), &()).is_ok());
        assert!(Email::parse(FIRST_ADMIN).is_ok());
    }
}
