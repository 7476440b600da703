//! What a run leaves: second by second what was wanted, sent and answered, and how long it took.
//!
//! Invariant: a latency is counted from the moment at which the schedule wanted the request, not
//! from when it could be sent; a request that could not be sent in time is counted, not forgotten.

use hdrhistogram::Histogram;

/// What came of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// 202.
    Acknowledged,
    /// 409: this voter has an acknowledged ballot.
    AlreadyVoted,
    /// Another 4xx, which was meant to be one: an invalid or forged ballot.
    Rejected,
    /// A 4xx that was not meant to be one, or a 5xx other than 503.
    Unexpected,
    /// 503 `overloaded`, or 429: certainly not in the journal.
    Shed,
    /// 503 otherwise: safe to retry, may be in the journal.
    InDoubt,
    /// Sent, and no whole answer came.
    NoAnswer,
    /// No connection: nothing was sent.
    NotSent,
}

impl Outcome {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Acknowledged,
        Self::AlreadyVoted,
        Self::Rejected,
        Self::Unexpected,
        Self::Shed,
        Self::InDoubt,
        Self::NoAnswer,
        Self::NotSent,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::AlreadyVoted => "already_voted",
            Self::Rejected => "rejected",
            Self::Unexpected => "unexpected",
            Self::Shed => "shed",
            Self::InDoubt => "in_doubt",
            Self::NoAnswer => "no_answer",
            Self::NotSent => "not_sent",
        }
    }
}

/// One second of a run.
#[derive(Debug, Clone)]
pub struct Second {
    /// Requests that the schedule wanted in this second.
    pub wanted: u64,
    /// Requests that were sent in it.
    pub sent: u64,
    /// Requests of this second's schedule that no connection was free for in time.
    pub overdue: u64,
    /// Answers in it, by [`Outcome`], in the order of [`Outcome::ALL`].
    pub outcomes: [u64; 8],
    /// From the intended time to the answer, in microseconds, of what was acknowledged in it.
    pub latency_us: Histogram<u64>,
    /// Ballots that the tally shows, if it was asked.
    pub counted: Option<u64>,
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Record {
    /// What was run: the profile's name or the plan's file.
    pub name: String,
    /// The seed of everything.
    pub seed: u64,
    /// When it began, in milliseconds since 1970-01-01 UTC.
    pub began_ms: i64,
    /// Every second, in order.
    pub seconds: Vec<Second>,
    /// Latencies of all that was acknowledged, in microseconds from the intended time.
    pub latency_us: Histogram<u64>,
    /// The proof, if one was made.
    pub proof: Option<Proof>,
}

/// What the proof found, after the tally had caught up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// Voter-days with an acknowledgement in time.
    pub acknowledged: u64,
    /// Of these, not counted.
    pub lost: u64,
    /// Voter-days counted more than once.
    pub double: u64,
    /// Ballots counted that nobody sent.
    pub unsent: u64,
    /// Voter-days without an acknowledgement, but with a request in doubt.
    pub in_doubt: u64,
    /// Of these, counted.
    pub in_doubt_counted: u64,
    /// Milliseconds from the end of the load until the tally had caught up.
    pub caught_up_ms: u64,
    /// A sentence with an example for each kind of mismatch.
    pub examples: Vec<String>,
}
