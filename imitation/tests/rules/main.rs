//! WeChat's rules as the imitation keeps them, each asked over loopback as a client would.
//!
//! Hours pass by the test's clock; nothing here waits but for a deadline of the imitation's own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

mod app_token;
mod authorize;
mod events;
mod exchange;
mod faults;
mod followers;
mod http;
mod human;
mod kit;
