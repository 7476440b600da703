//! Who a voter is: signing in by each of the ways on a real server, against an imitation of WeChat,
//! and what whoever would be somebody else gets.
//!
//! Every wait is for a state and has a deadline. The wall clock is the test's, and WeChat's too.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "identity/attacks.rs"]
mod attacks;
#[path = "identity/browser.rs"]
mod browser;
#[path = "http/client.rs"]
mod client;
#[path = "http/kit.rs"]
#[expect(dead_code, reason = "the tests of the interface use all of it")]
mod kit;
#[path = "identity/me.rs"]
mod me;
#[path = "identity/quotas.rs"]
mod quotas;
#[path = "identity/sessions.rs"]
mod sessions;
#[path = "identity/under_way.rs"]
mod under_way;
#[path = "identity/wechat.rs"]
mod wechat;
#[path = "identity/world.rs"]
mod world;
