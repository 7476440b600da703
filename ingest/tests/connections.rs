//! The connection layer on real loopback sockets with real, short timeouts: whatever a peer does,
//! its connection ends, and nothing in flight is cut off.
//!
//! Every wait is for a state and has a deadline far beyond the timeout under test. Timeouts are
//! asserted from below only by what the server must have waited.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "connections/bodies.rs"]
mod bodies;
#[path = "connections/drain.rs"]
mod drain;
#[path = "connections/kit.rs"]
mod kit;
#[path = "connections/reuse.rs"]
mod reuse;
#[path = "connections/timeouts.rs"]
mod timeouts;
