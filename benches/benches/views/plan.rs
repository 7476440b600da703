//! What a run does, and what its processes are told through the environment.

use std::time::Duration;

use benches::{list, number};
use serde::Serialize;

/// Which part a process plays. Not set: it runs the others.
pub(crate) const ROLE: &str = "VIEWS_ROLE";
/// The campaign's first day, the same for all even when the run passes midnight.
pub(crate) const STARTED: &str = "VIEWS_STARTED";
/// What a role works on: the edge a directory, all others an address.
pub(crate) const TARGET: &str = "VIEWS_TARGET";
/// What is asked, as it is sent, and the status that its answer must have.
pub(crate) const REQUEST: &str = "VIEWS_REQUEST";
pub(crate) const STATUS: &str = "VIEWS_STATUS";
/// Of a load: connections, seconds, and the seed of its voters.
pub(crate) const CONNECTIONS: &str = "VIEWS_LOAD_CONNECTIONS";
pub(crate) const SECONDS: &str = "VIEWS_LOAD_SECONDS";
pub(crate) const SEED: &str = "VIEWS_LOAD_SEED";

/// As `weir up` makes them.
pub(crate) const PARTITIONS: u32 = journal::KafkaCluster::PARTITIONS_DEFAULT;
/// Until buffers and caches are as they stay.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);
/// How often each connection of those who vote casts a ballot: more connections, more ballots.
pub(crate) const EVERY: Duration = Duration::from_millis(500);
const BALLOTS_PER_CONNECTION_S: usize = 2;

/// What a process of the run does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    Edge,
    Bare,
    Flood,
    Votes,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [Self::Edge, Self::Bare, Self::Flood, Self::Votes];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Bare => "bare",
            Self::Flood => "flood",
            Self::Votes => "votes",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Page,
    PageAgain,
    Script,
    Me,
    Frontiers,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Page, Self::PageAgain, Self::Script, Self::Me, Self::Frontiers];

    /// Its name in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Page => "page, gzip",
            Self::PageAgain => "page, If-None-Match",
            Self::Script => "the page's script, gzip",
            Self::Me => "me, with a cookie",
            Self::Frontiers => "frontiers",
        }
    }

    /// The status of its answer.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::PageAgain => 304,
            Self::Page | Self::Script | Self::Me | Self::Frontiers => 200,
        }
    }
}

/// How much of what.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Plan {
    /// Keep-alive connections of a flood.
    pub(crate) connections: Vec<usize>,
    pub(crate) rounds: usize,
    /// Of one flood, and of one window of ballots.
    pub(crate) seconds: f64,
    pub(crate) window_seconds: f64,
    /// Connections of those who vote, and the ballots a second that come of them.
    pub(crate) voting: usize,
    pub(crate) ballots_per_s: usize,
}

impl Plan {
    pub(crate) fn from_env() -> Self {
        let rate: usize = number("VIEWS_BALLOTS", 1_000, 100);
        let voting = rate.div_ceil(BALLOTS_PER_CONNECTION_S);
        Self {
            connections: list("VIEWS_CONNECTIONS", &[64, 256], &[16]),
            rounds: number("VIEWS_ROUNDS", 5, 1),
            seconds: number("VIEWS_SECONDS", 3.0, 0.5),
            window_seconds: number("VIEWS_WINDOW_SECONDS", 10.0, 1.0),
            voting,
            ballots_per_s: voting * BALLOTS_PER_CONNECTION_S,
        }
    }

    /// The most connections of a flood.
    pub(crate) fn most(&self) -> usize {
        self.connections.iter().copied().max().unwrap_or(1)
    }
}
