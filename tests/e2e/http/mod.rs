//! The public listener's manners, whatever the route.

mod authorization;
mod connections;
mod cors;
mod headers;
mod paths;
mod patience;
mod queries;
mod refusals;
mod shutdown;
