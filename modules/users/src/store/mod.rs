pub(crate) mod addresses;
pub(crate) mod lifecycle;
pub(crate) mod listing;
pub(crate) mod profile;
pub(crate) mod sessions;
pub(crate) mod users;
