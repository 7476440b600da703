//! ingest

pub mod server;
