//! The challenge that a ballot meets which comes in an unusual way: whom it is asked of, what
//! solves it, and what a captcha's provider hears, answers or fails to answer.
//!
//! Callers have no sockets, and become unusual by asking often. The provider is one of these tests'
//! own, on a socket; only where it never answers does time stand still.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "challenge/captcha.rs"]
mod captcha;
#[path = "http/client.rs"]
#[expect(dead_code, reason = "the tests of the interface use all of it")]
mod client;
#[path = "attacks/direct.rs"]
#[expect(dead_code, reason = "as above")]
mod direct;
#[path = "http/kit.rs"]
#[expect(dead_code, reason = "as above")]
mod kit;
#[path = "challenge/provider.rs"]
mod provider;
#[path = "challenge/work.rs"]
mod work;
#[path = "challenge/world.rs"]
mod world;
