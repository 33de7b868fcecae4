//! What a module shows of its books, so that they can be held against those of another.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most entries of a page.
pub const PAGE_MOST: u32 = 1_000;

/// Which entries of a book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "which", rename_all = "snake_case")]
pub enum Audit {
    /// In id order, those after this one; from the first without it.
    After { id: Option<Uuid>, limit: u32 },
    /// These, in id order; unknown ones are left out.
    Of { ids: Vec<Uuid> },
}

impl Audit {
    /// Where the next page begins: at the last id of this one, unless it is the last page.
    pub fn next(&self, last: Option<Uuid>, entries: usize) -> Option<Uuid> {
        match self {
            Self::After { limit, .. } => last.filter(|_| entries >= page(*limit)),
            Self::Of { .. } => None,
        }
    }
}

/// How many entries a page of this limit has.
pub fn page(limit: u32) -> usize {
    limit.clamp(1, PAGE_MOST) as usize
}
