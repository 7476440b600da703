//! What rounds and windows say, as it is kept in the file.
//!
//! Counts and microseconds as they were measured. Never here: a median or a ratio.

use serde::Serialize;

use crate::plan::Kind;

/// Everything that was measured.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Results {
    pub(crate) rounds: Vec<Round>,
    pub(crate) windows: Vec<Window>,
}

/// One server flooded with one kind of request.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Round {
    pub(crate) kind: Kind,
    pub(crate) is_bare: bool,
    pub(crate) connections: usize,
    /// Head and body of one.
    pub(crate) answer_bytes: usize,
    pub(crate) flood: Flood,
    /// The server's CPU time for them.
    pub(crate) cpu_us: u64,
}

/// Answers behind the warm-up, and the time they took.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Flood {
    pub(crate) answered: u64,
    pub(crate) others: u64,
    pub(crate) micros: u64,
}

/// Ballots at a steady rate, with views beside them or without.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Window {
    pub(crate) ballots: u64,
    pub(crate) errors: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) worst_us: u64,
    pub(crate) late_p99_us: u64,
    pub(crate) views: Option<Flood>,
}

impl Results {
    /// Answers other than due.
    pub(crate) fn errors(&self) -> u64 {
        let floods = self.rounds.iter().map(|round| &round.flood);
        let floods = floods.chain(self.windows.iter().filter_map(|window| window.views.as_ref()));
        let views: u64 = floods.map(|flood| flood.others).sum();
        views + self.windows.iter().map(|window| window.errors).sum::<u64>()
    }
}
