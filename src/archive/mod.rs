//! A module's database in a file, as `pg_dump` writes it.
//!
//! `dump` writes it. `script` reads it, as the statements and rows that `pg_restore` makes of it;
//! `contents` and `history` say whose it is before anything is touched; `replace` puts it in the place of what a
//! database holds, in one transaction.

mod contents;
mod dump;
mod erasures;
mod history;
mod replace;
mod schema;
mod script;

pub use contents::Contents;
pub use dump::{DUMP, Dump};
pub use history::{History, Misfit};
pub use replace::replace;
pub use schema::Schema;
pub use script::{Archive, RESTORE};
