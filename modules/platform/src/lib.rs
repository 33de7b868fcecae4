//! What every module stands on: problems, extractors, tokens, pools, the outbox relay.
//!
//! Nothing here knows a module or a port.

pub mod auth;
pub mod body;
pub mod client;
pub mod coalesce;
pub mod conditional;
pub mod db;
pub mod edge;
pub mod fail_point;
pub mod id;
pub mod inbox;
pub mod merge_patch;
pub mod outbox;
pub mod page;
pub mod params;
pub mod pool;
pub mod problem;
pub mod redis;
pub mod request;
pub mod rfc3339;
pub mod stream;
pub mod task;

pub use body::Body;
pub use id::Id;
pub use merge_patch::MergePatch;
pub use page::{Cursor, Limit, Page};
pub use params::Params;
pub use pool::Pool;
pub use problem::Problem;
pub use request::RequestContext;
pub use trace;
