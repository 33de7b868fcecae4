//! Writing what was read, a chunk in a transaction.

mod categories;
mod pass;
mod stored;
mod write;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use iso_currency::Currency;
use platform::Pool;
use platform::db::{self, constraint, failure, retry_contention};
use sqlx::PgConnection;
use uuid::Uuid;

use super::category::Category;
use super::change::{Change, Cleared, Names};
use super::{Entry, RejectedLine};
use crate::bulk;

const MAX_RECORDS: usize = 1000;
const MAX_BYTES: usize = 4 << 20;
const MAX_CATEGORIES: usize = 10_000;
const MAX_TAUGHT: usize = 100_000;

/// What a message keeps of its beginning and its end, in characters.
const MESSAGE_HEAD: usize = 200;
const MESSAGE_TAIL: usize = 100;

/// Records that land together.
#[derive(Debug, Default)]
pub struct Chunk {
    entries: Vec<(u64, Entry)>,
    rejected: Vec<RejectedLine>,
    records: usize,
    bytes: usize,
}

impl Chunk {
    pub fn add(&mut self, line: u64, bytes: usize, read: Result<Vec<Entry>, String>) {
        self.records += 1;
        self.bytes += bytes;
        match read {
            Ok(mut entries) => {
                for entry in &mut entries {
                    if let Entry::Product(change) = entry {
                        change.id = Uuid::now_v7();
                    }
                }
                self.bytes += entries.iter().map(size).sum::<usize>();
                self.entries
                    .extend(entries.into_iter().map(|entry| (line, entry)));
            }
            Err(message) => self.rejected.push(RejectedLine {
                line,
                message: shorten(message),
            }),
        }
    }

    pub fn is_full(&self) -> bool {
        self.records >= MAX_RECORDS || self.bytes >= MAX_BYTES
    }

    /// Hashes of the SKUs that it writes.
    pub fn skus(&self, hasher: &RandomState) -> HashSet<u64> {
        let mut skus = HashSet::new();
        for (_, entry) in &self.entries {
            match entry {
                Entry::Product(change) => {
                    skus.insert(hasher.hash_one(&change.sku));
                }
                Entry::Image { skus: all, .. } => {
                    skus.extend(all.iter().map(|sku| hasher.hash_one(sku)));
                }
            }
        }
        skus
    }
}

/// A message may quote a name of any length from the file; the answer holds thousands of them.
fn shorten(message: String) -> String {
    if message.chars().nth(MESSAGE_HEAD + MESSAGE_TAIL).is_none() {
        return message;
    }
    let mut starts = message.char_indices().map(|(at, _)| at);
    let head = starts.nth(MESSAGE_HEAD).unwrap_or(0);
    let tail = starts.nth_back(MESSAGE_TAIL - 1).unwrap_or(message.len());
    format!("{}…{}", &message[..head], &message[tail..])
}

/// What a format repeats from row to row.
fn size(entry: &Entry) -> usize {
    match entry {
        Entry::Product(change) => change.description.as_ref().map_or(0, String::len),
        Entry::Image { skus, .. } => skus.iter().map(String::len).sum(),
    }
}

pub struct Lander {
    pool: Pool,
    currency: Currency,
    actor: Option<Uuid>,
    names: Names,
    /// Categories that are known to be there, so that a chunk need not look again.
    categories: Mutex<HashMap<Category, Uuid>>,
    /// Words that are known to be taught.
    taught: Mutex<HashSet<String>>,
}

/// What became of a chunk, also where the database failed before its end.
#[derive(Debug, Default)]
pub struct Landed {
    pub imported: u64,
    pub updated: u64,
    pub rejected: Vec<RejectedLine>,
    pub failed: Option<sqlx::Error>,
}

/// What a transaction did. Counts only once it is committed.
#[derive(Debug, Default)]
struct Outcome {
    imported: u64,
    updated: u64,
    rejected: Vec<RejectedLine>,
    categories: HashMap<Category, Uuid>,
    taught: HashSet<String>,
}

impl Outcome {
    fn reject(&mut self, line: u64, message: impl Into<String>) {
        self.rejected.push(RejectedLine {
            line,
            message: message.into(),
        });
    }
}

impl Lander {
    pub fn new(pool: Pool, currency: Currency, actor: Option<Uuid>, names: Names) -> Self {
        Self {
            pool,
            currency,
            actor,
            names,
            categories: Mutex::default(),
            taught: Mutex::default(),
        }
    }

    /// Whether it names categories that have to be looked up, and perhaps made.
    pub fn is_first_to_name(&self, chunk: &Chunk) -> bool {
        let known = self.known_categories();
        chunk.entries.iter().any(|(_, entry)| match entry {
            Entry::Product(change) => {
                let category = change.category.as_ref().and_then(Cleared::value);
                category.is_some_and(|category| !known.contains_key(category))
            }
            Entry::Image { .. } => false,
        })
    }

    pub async fn land(&self, chunk: Chunk) -> Landed {
        let mut landed = Landed {
            rejected: chunk.rejected,
            ..Landed::default()
        };
        let result = self.land_entries(&chunk.entries, &mut landed).await;
        landed.failed = result.err();
        landed
    }

    async fn land_entries(
        &self,
        entries: &[(u64, Entry)],
        landed: &mut Landed,
    ) -> Result<(), sqlx::Error> {
        let mut parts = vec![entries];
        while let Some(part) = parts.pop() {
            match retry_contention(|| self.transaction(part)).await {
                Ok(outcome) => {
                    landed.imported += outcome.imported;
                    landed.updated += outcome.updated;
                    landed.rejected.extend(outcome.rejected);
                    self.remember(outcome.categories, outcome.taught);
                }
                // A category was deleted after it had been looked up.
                Err(error)
                    if constraint(&error) == Some("products_category_fkey")
                        && !self.known_categories().is_empty() =>
                {
                    self.known_categories().clear();
                    parts.push(part);
                }
                // Somebody else made one of them after it had been looked up.
                Err(error) if constraint(&error) == Some("products_sku_key") => parts.push(part),
                // Records are checked before, so this should not be; only the culprit stays out.
                Err(error) if refuses_data(&error) => match part {
                    [(line, _)] => {
                        tracing::error!(%error, line, "the database refused an imported record");
                        landed.rejected.push(RejectedLine {
                            line: *line,
                            message: "the record cannot be stored".to_owned(),
                        });
                    }
                    _ => {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                    }
                },
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn known_categories(&self) -> MutexGuard<'_, HashMap<Category, Uuid>> {
        locked(&self.categories)
    }

    fn taught(&self) -> MutexGuard<'_, HashSet<String>> {
        locked(&self.taught)
    }

    fn remember(&self, categories: HashMap<Category, Uuid>, taught: HashSet<String>) {
        let mut known = self.known_categories();
        if known.len() > MAX_CATEGORIES {
            known.clear();
        }
        known.extend(categories);
        let mut known = self.taught();
        if known.len() > MAX_TAUGHT {
            known.clear();
        }
        known.extend(taught);
    }

    async fn transaction(&self, entries: &[(u64, Entry)]) -> Result<Outcome, sqlx::Error> {
        let mut outcome = Outcome::default();
        if entries.is_empty() {
            return Ok(outcome);
        }
        let mut tx = bulk::begin(&self.pool).await?;
        for pass in passes(entries) {
            self.pass(&mut tx, pass, &mut outcome).await?;
        }
        add_images(&mut tx, entries).await?;
        tx.commit().await?;
        Ok(outcome)
    }
}

/// What is locked is as good after a panic as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One bulk statement cannot write a row twice: the first records of each SKU go first, then
/// their second ones, and so on.
fn passes(entries: &[(u64, Entry)]) -> Vec<Vec<(u64, &Change)>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut passes: Vec<Vec<(u64, &Change)>> = Vec::new();
    for (line, entry) in entries {
        let Entry::Product(change) = entry else {
            continue;
        };
        let turn = seen.entry(&change.sku).or_default();
        if passes.len() == *turn {
            passes.push(Vec::new());
        }
        passes[*turn].push((*line, change));
        *turn += 1;
    }
    passes
}

async fn add_images(tx: &mut PgConnection, entries: &[(u64, Entry)]) -> Result<(), sqlx::Error> {
    let images = entries.iter().filter_map(|(_, entry)| match entry {
        Entry::Image { skus, url } => Some(skus.iter().map(move |sku| (&**sku, &**url))),
        Entry::Product(_) => None,
    });
    let (skus, urls): (Vec<&str>, Vec<&str>) = images.flatten().unzip();
    if skus.is_empty() {
        return Ok(());
    }
    sqlx::query_scalar!(
        r#"
        update products p
        set attributes = p.attributes || jsonb_build_object('image_src', u.url), updated_at = now()
        from unnest($1::text[], $2::text[]) as u(sku, url)
        where p.sku = u.sku and coalesce(p.attributes ->> 'image_src', '') = ''
        returning p.id
        "#,
        &skus as &[&str],
        &urls as &[&str],
    )
    .fetch_all(tx)
    .await?;
    Ok(())
}

/// SQLSTATE classes 22 (data), 23 (constraints) and 54 (limits).
fn refuses_data(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    failure(error) == db::Failure::Internal
        && code.is_some_and(|code| ["22", "23", "54"].contains(&&code[..2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_record_leaves_a_short_message() {
        let name = "é".repeat(400_000);
        let mut chunk = Chunk::default();
        for line in [
            format!(r#"{{"sku":"A","attributes":{{"{name}":1}}}}"#),
            format!(r#"{{"sku":"A","attributes":{{"{name}":"\u0000"}}}}"#),
        ] {
            let read = crate::import::ndjson::read(line.as_bytes(), Currency::EUR);
            chunk.add(1, 0, Err(read.unwrap_err()));
        }
        for rejected in &chunk.rejected {
            assert!(rejected.message.starts_with("attributes.éé"));
            assert!(rejected.message.contains("éé: must "));
            assert_eq!(rejected.message.chars().count(), 301);
            assert!(rejected.message.capacity() < 2000);
        }
        for short in ["sku: is required".to_owned(), "é".repeat(300)] {
            assert_eq!(shorten(short.clone()), short);
        }
        assert_ne!(shorten("é".repeat(301)), "é".repeat(301));
    }

    #[test]
    fn a_sku_comes_once_in_a_pass_and_in_order() {
        let entries: Vec<_> = ["a", "b", "a", "c", "a", "b"]
            .iter()
            .zip(1..)
            .map(|(sku, line)| {
                let change = Change {
                    sku: (*sku).to_owned(),
                    ..Change::default()
                };
                (line, Entry::Product(Box::new(change)))
            })
            .collect();
        let lines: Vec<Vec<u64>> = passes(&entries)
            .iter()
            .map(|pass| pass.iter().map(|(line, _)| *line).collect())
            .collect();
        assert_eq!(lines, [vec![1, 2, 4], vec![3, 6], vec![5]]);
    }
}
