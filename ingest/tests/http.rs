//! The HTTP interface on a real server and real loopback sockets, over the simulated journal, with
//! an aggregator counting beside it: every answer as design.md §5 has it, and none moves the tally
//! that should not.
//!
//! Every wait is for a state and has a deadline. The wall clock is the test's.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "http/addresses.rs"]
mod addresses;
#[path = "http/apart.rs"]
mod apart;
#[path = "http/bad_input.rs"]
mod bad_input;
#[path = "http/ballots.rs"]
mod ballots;
#[path = "http/client.rs"]
mod client;
#[path = "http/kit.rs"]
mod kit;
#[path = "http/openapi.rs"]
mod openapi;
#[path = "http/ops.rs"]
mod ops;
#[path = "http/overload.rs"]
mod overload;
#[path = "http/readiness.rs"]
mod readiness;
#[path = "http/receipts.rs"]
mod receipts;
#[path = "http/renewed.rs"]
mod renewed;
#[path = "http/schema.rs"]
mod schema;
#[path = "http/tally.rs"]
mod tally;
