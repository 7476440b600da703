//! Loopback ports that nobody listens on.
//!
//! They lie below the range from which the system takes ports for outgoing connections, so that a
//! broker that was killed finds its port free again. With a port of that range (which is what
//! binding 0 gives) a client's connection may sit on it, even the client's own attempt to reach the
//! dead broker, connected to itself.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// Linux takes outgoing ports from 32768 up, macOS and Windows from 49152.
const FIRST: u16 = 12_000;
const COUNT: u16 = 18_000;

/// A number nobody else draws.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// A loopback port that was free a moment ago; the user tries another if it no longer is.
#[must_use]
pub fn free_port() -> u16 {
    free_ports(1).into_iter().next().unwrap_or(FIRST)
}

/// As many different ones.
#[must_use]
pub fn free_ports(count: usize) -> Vec<u16> {
    let mut held: Vec<(u16, TcpListener)> = Vec::new();
    while held.len() < count {
        let offset = u16::try_from(random() % u64::from(COUNT)).unwrap_or(0);
        let port = FIRST + offset;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((port, listener));
        }
    }
    held.into_iter().map(|(port, _)| port).collect()
}
