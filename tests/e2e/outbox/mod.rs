//! What one module tells another arrives: once it can, in order, and with one effect.

mod outage;
mod parked;
mod relay;
