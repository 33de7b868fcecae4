//! Made-up customers, the same ones for the same seed.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{HashError, Module};

/// The password of every demo user.
pub const PASSWORD: &str = "demo-password-1234";

/// Rows in one statement.
const CHUNK: usize = 5_000;

/// 2025-01-01T00:00:00Z; demo accounts were made within the year that begins here.
const EPOCH_S: u64 = 1_735_689_600;
const YEAR_S: u64 = 365 * 24 * 3600;

const FIRST_NAMES: &[&str] = &[
    "Ada", "Aisha", "Amelie", "Ana", "Andrei", "Anna", "Ben", "Carla", "Chloe", "Daniel", "David",
    "Elena", "Elif", "Emil", "Emma", "Erik", "Eva", "Fatima", "Felix", "Finn", "Freya", "Hana",
    "Hugo", "Ida", "Ines", "Ivan", "Jakob", "Jan", "Jonas", "Julia", "Kai", "Karim", "Lara",
    "Leila", "Lena", "Leo", "Lina", "Louis", "Luca", "Lucia", "Magnus", "Maria", "Marta", "Mateo",
    "Maya", "Mia", "Mila", "Milan", "Nadia", "Nina", "Noah", "Nora", "Olga", "Oliver", "Oscar",
    "Paul", "Petra", "Rosa", "Samir", "Sara", "Sofia", "Theo", "Tomas", "Vera", "Viktor", "Yusuf",
    "Zoe",
];
const LAST_NAMES: &[&str] = &[
    "Andersen",
    "Bakker",
    "Bauer",
    "Bernard",
    "Berg",
    "Bianchi",
    "Castro",
    "Costa",
    "Demir",
    "Dubois",
    "Dvorak",
    "Eriksen",
    "Fernandez",
    "Ferrari",
    "Fischer",
    "Garcia",
    "Haas",
    "Hansen",
    "Hoffmann",
    "Horvat",
    "Ivanova",
    "Jansen",
    "Jensen",
    "Johansson",
    "Kaya",
    "Keller",
    "Klein",
    "Kowalski",
    "Lambert",
    "Larsen",
    "Lehmann",
    "Lopez",
    "Marino",
    "Martin",
    "Meyer",
    "Moreau",
    "Moretti",
    "Nagy",
    "Nielsen",
    "Novak",
    "Nowak",
    "Olsen",
    "Peeters",
    "Pereira",
    "Petrov",
    "Popescu",
    "Ricci",
    "Romano",
    "Rossi",
    "Santos",
    "Schmidt",
    "Schneider",
    "Silva",
    "Svensson",
    "Toth",
    "Visser",
    "Vogel",
    "Weber",
    "Wolf",
    "Yilmaz",
    "Zeman",
    "Zimmermann",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoUser {
    pub id: Uuid,
    /// Ends in `@example.com`, where nobody gets mail (RFC 2606).
    pub email: String,
    pub full_name: String,
    pub created_at: OffsetDateTime,
}

/// Endless; its beginning depends on the seed alone.
pub fn users(seed: u64) -> impl Iterator<Item = DemoUser> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (1_u64..).map(move |number| user(&mut rng, seed, number))
}

fn user(rng: &mut impl Rng, seed: u64, number: u64) -> DemoUser {
    let first = FIRST_NAMES.choose(rng).copied().unwrap_or_default();
    let last = LAST_NAMES.choose(rng).copied().unwrap_or_default();
    let created_s = EPOCH_S + rng.random_range(0..YEAR_S);
    let name = format!("{first}.{last}").to_ascii_lowercase();
    DemoUser {
        id: uuid::Builder::from_unix_timestamp_millis(created_s * 1000, &rng.random()).into_uuid(),
        email: format!("{name}.{seed}.{number}@example.com"),
        full_name: format!("{first} {last}"),
        created_at: OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(created_s),
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("the users database did not take the demo users")]
    Database(#[from] sqlx::Error),
}

impl Module {
    /// Stores the first `count` of [`users`], with [`PASSWORD`], and answers their ids. Those that
    /// are there already stay as they are. `progress` is told how many are done.
    pub async fn load_demo(
        &self,
        count: usize,
        seed: u64,
        progress: impl Fn(u64),
    ) -> Result<Vec<Uuid>, DemoError> {
        let password_hash = self.hasher.hash(PASSWORD.into()).await?;
        let mut users = users(seed).take(count);
        let mut ids = Vec::with_capacity(count);
        loop {
            let chunk: Vec<DemoUser> = users.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(ids);
            }
            ids.extend(chunk.iter().map(|user| user.id));
            insert(&self.pool, chunk, &password_hash).await?;
            progress(ids.len() as u64);
        }
    }
}

async fn insert(
    db: impl PgExecutor<'_>,
    users: Vec<DemoUser>,
    password_hash: &str,
) -> Result<(), sqlx::Error> {
    let mut ids = Vec::with_capacity(users.len());
    let mut emails = Vec::with_capacity(users.len());
    let mut names = Vec::with_capacity(users.len());
    let mut times = Vec::with_capacity(users.len());
    for user in users {
        ids.push(user.id);
        emails.push(user.email);
        names.push(user.full_name);
        times.push(user.created_at);
    }
    // The addresses are in lower case, and so their own keys.
    sqlx::query!(
        "insert into users
             (id, email, email_key, password_hash, full_name, created_at, updated_at)
         select id, email, email, $5, full_name, created_at, created_at
         from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
             as new (id, email, full_name, created_at)
         on conflict do nothing",
        &ids,
        &emails,
        &names,
        &times,
        password_hash,
    )
    .execute(db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::email::Email;

    #[test]
    fn the_seed_decides() {
        let some: Vec<_> = users(1).take(100).collect();
        assert_eq!(some, users(1).take(100).collect::<Vec<_>>());
        assert_ne!(some[0].id, users(2).next().unwrap().id);
    }

    #[test]
    fn each_is_an_account_of_its_own() {
        let emails: HashSet<_> = users(1)
            .take(1_000)
            .chain(users(2).take(1_000))
            .map(|user| user.email)
            .collect();
        assert_eq!(emails.len(), 2_000);
        for user in users(1).take(100) {
            assert_eq!(Email::parse(&user.email).unwrap().key, user.email);
            assert_eq!(user.id.get_version_num(), 7);
        }
    }
}
