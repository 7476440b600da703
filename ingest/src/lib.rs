//! ingest

mod batcher;
mod lane;
mod remembered;
pub mod server;
pub use batcher::{BatchLimits, Batcher, Cast, Permit};
pub use remembered::Acknowledged;
