//! What whoever would break in, hide or overrun gets: framing tricks, spoofed addresses, floods,
//! paths that lead elsewhere, frames, foreign origins and hostile texts. Those who would be
//! somebody else are in `identity/attacks.rs`.
//!
//! Every wait is for a state and has a deadline. What depends on time runs in paused time, without
//! sockets.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "http/client.rs"]
#[expect(dead_code, reason = "the tests of the interface use all of it")]
mod client;
#[path = "attacks/direct.rs"]
mod direct;
#[path = "attacks/forwarded.rs"]
mod forwarded;
#[path = "attacks/framing.rs"]
mod framing;
#[path = "attacks/headers.rs"]
mod headers;
#[path = "http/kit.rs"]
#[expect(dead_code, reason = "as above")]
mod kit;
#[path = "attacks/noted.rs"]
mod noted;
#[path = "attacks/paths.rs"]
mod paths;
#[path = "attacks/rates.rs"]
mod rates;
#[path = "attacks/streams.rs"]
mod streams;
#[path = "attacks/texts.rs"]
mod texts;
