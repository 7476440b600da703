//! What a journal's client says of its own queue and connections, for whoever watches a process.
//!
//! It describes the process, not a campaign: all journals of one client say the same. Never here:
//! an address of a broker, or anything that a decision rests on.

use std::time::Duration;

/// How a client that appends fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Records taken and not reported on yet.
    pub queue_records: u64,
    /// Their bytes.
    pub queue_bytes: u64,
    /// The brokers that it has, or wants, a connection to.
    pub brokers: Vec<BrokerStatistics>,
}

/// How the connection to one broker fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerStatistics {
    /// The broker's node id.
    pub broker: i32,
    /// Whether requests can be sent to it.
    pub is_up: bool,
    /// How long its answers took lately; `None` if there were none.
    pub round_trip: Option<RoundTrip>,
    /// Requests sent and not answered.
    pub requests_in_flight: u64,
    /// Requests sent again since the client was made.
    pub retries: u64,
}

/// From sending a request to its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTrip {
    /// The mean.
    pub avg: Duration,
    /// What 99 of 100 took at most.
    pub p99: Duration,
}
