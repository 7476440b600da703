//! TLS on the public listener, on real loopback sockets: what is spoken over it, handshakes that
//! are not finished, and certificates that are replaced.
//!
//! Every wait is for a state and has a deadline. What must be quick is tried where no deadline of
//! the server's acts within the test.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "tls/certificates.rs"]
mod certificates;
#[path = "http/client.rs"]
#[expect(dead_code, reason = "the tests of the interface use all of it")]
mod client;
#[path = "tls/handshakes.rs"]
mod handshakes;
#[path = "http/kit.rs"]
#[expect(dead_code, reason = "as above")]
mod kit;
#[path = "tls/protocols.rs"]
mod protocols;
#[path = "tls/secured.rs"]
mod secured;
