//! The HTTP adapter of the ports: both ends of every call, and the dial that says which end is used.
//!
//! [`calls`] declares each call once. From that come the client ([`Remote`]), the server
//! ([`Port::routes`]) and the switch between module and adapter ([`Switch`]), which follows a
//! [`Dial`] that can be turned while calls are made.

mod call;
pub mod calls;
mod client;
mod dial;
mod fault;
mod handshake;
mod peer;
mod serve;
mod service_token;
mod switch;
pub mod wire;

pub use call::{Call, Port, Repeat};
pub use client::Remote;
pub use dial::{
    Dial, Difference, Kind, Latency, Measured, Position, Route, ShadowReport, Side, Sides, Step,
};
pub use fault::Fault;
pub use handshake::{Handshake, Hosted};
pub use peer::{
    Body, BoxError, Circuit, ClientGone, InvalidUrl, Peer, PeerConfig, Place, Turn, peer_address,
};
pub use service_token::ServiceTokens;
pub use switch::Switch;
