//! The layers together: who wins, what is refused, and in which words.

mod certificate;
mod contract;
mod keys;
mod layers;
mod production;
mod support;
