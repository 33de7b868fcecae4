//! What people change of themselves.

use platform::db::{self, retry_contention};
use secrecy::SecretString;
use uuid::Uuid;

use crate::account::User;
use crate::email::Email;
use crate::hasher::Verdict;
use crate::store::profile;
use crate::{HashError, Module};

/// What is absent stays as it is.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) full_name: Option<String>,
    pub(crate) email: Option<Email>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfileError {
    #[error("the account is deleted")]
    Deleted,
    #[error("another account has this email")]
    EmailTaken,
    #[error("the users database failed")]
    Database(#[from] sqlx::Error),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("the current password is another one")]
    Wrong,
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("the users database failed")]
    Database(#[from] sqlx::Error),
}

impl Module {
    /// Answers the account as it is afterwards; what would change nothing writes nothing.
    pub(crate) async fn change_profile(
        &self,
        id: Uuid,
        change: Profile,
    ) -> Result<User, ProfileError> {
        match profile::change(&self.pool, id, &change).await {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(ProfileError::Deleted),
            Err(error) if db::constraint(&error) == Some("users_email_key") => {
                Err(ProfileError::EmailTaken)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends every session but the one that it is changed in.
    pub(crate) async fn change_password(
        &self,
        id: Uuid,
        session_id: Uuid,
        current: SecretString,
        new: SecretString,
    ) -> Result<(), PasswordError> {
        let stored = profile::password_hash(&self.pool, id).await?;
        let verdict = self.hasher.verify(current, stored.clone()).await?;
        let (Some(verified), Verdict::Right { .. }) = (stored, verdict) else {
            return Err(PasswordError::Wrong);
        };
        let hash = self.hasher.hash(new).await?;
        let changed = retry_contention(async || {
            let mut tx = db::begin(&self.pool).await?;
            // The lock waits for a sign-in under way, whose session the next statement then sees.
            if !profile::lock_password(&mut *tx, id, &verified).await? {
                return Ok(false);
            }
            profile::set_password(&mut *tx, id, session_id, &hash).await?;
            tx.commit().await?;
            Ok(true)
        });
        match changed.await? {
            true => Ok(()),
            // Somebody else was faster.
            false => Err(PasswordError::Wrong),
        }
    }
}
