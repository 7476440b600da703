//! What WeChat tells, on a real server: signatures, retries, who follows, and links that sign in;
//! sent by hand, and by the imitation of WeChat.
//!
//! Every wait is for a state and has a deadline. The wall clock is the test's, and WeChat's too.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "http/client.rs"]
#[expect(dead_code, reason = "the tests of the interface use all of it")]
mod client;
#[path = "events/forged.rs"]
mod forged;
#[path = "http/kit.rs"]
#[expect(dead_code, reason = "as above")]
mod kit;
#[path = "events/links.rs"]
mod links;
#[path = "events/subscribers.rs"]
mod subscribers;
#[path = "events/world.rs"]
mod world;
