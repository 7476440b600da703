//! What a run leaves: second by second what was wanted, sent and answered, and how long it took.
//!
//! Invariant: a latency is counted from the moment at which the schedule wanted the request, not
//! from when it could be sent; a request that could not be sent in time is counted, not forgotten.

use std::fmt;

use hdrhistogram::Histogram;

use crate::processes::Process;
use crate::schedule::Phase;

/// What came of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// 202.
    Acknowledged,
    /// 409: this voter has an acknowledged ballot.
    AlreadyVoted,
    /// Another 4xx, which was meant to be one: a ballot that is invalid or forged, or comes before
    /// the opening or behind the close.
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
    /// Of the answers, those with status 503.
    pub unavailable: u64,
    /// Of these, those without a `Retry-After` of whole seconds.
    pub no_retry_after: u64,
    /// Of what was rejected, ballots before the opening or behind the close.
    pub outside: u64,
    /// From the intended time to the answer, in microseconds, of what was acknowledged in it.
    pub latency_us: Histogram<u64>,
    /// Ballots that the tally shows, if it was asked.
    pub counted: Option<u64>,
}

impl Default for Second {
    fn default() -> Self {
        Self {
            wanted: 0,
            sent: 0,
            overdue: 0,
            outcomes: [0; 8],
            unavailable: 0,
            no_retry_after: 0,
            outside: 0,
            latency_us: Histogram::new(2).expect("two digits are within 0 to 5"),
            counted: None,
        }
    }
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
    /// What was to be run, in order.
    pub phases: Vec<Phase>,
    /// Every second, in order.
    pub seconds: Vec<Second>,
    /// Latencies of all that was acknowledged, in microseconds from the intended time.
    pub latency_us: Histogram<u64>,
    /// How long after its intended time each request was sent, in microseconds.
    pub late_us: Histogram<u64>,
    /// What processes that were watched took, second by second.
    pub processes: Vec<Process>,
    /// The proof, if one was made.
    pub proof: Option<Proof>,
}

impl Record {
    /// A run of which nothing is known but its name, its seed and when it began.
    ///
    /// # Panics
    /// Never: a histogram may have three digits.
    #[must_use]
    pub fn new(name: &str, seed: u64, began_ms: i64) -> Self {
        let empty = Histogram::new(3).expect("three digits are within 0 to 5");
        Self {
            name: name.to_owned(),
            seed,
            began_ms,
            phases: Vec::new(),
            seconds: Vec::new(),
            latency_us: empty.clone(),
            late_us: empty,
            processes: Vec::new(),
            proof: None,
        }
    }
}

/// Which proof was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Made {
    /// From the whole log, for each voter-day.
    FromLog,
    /// From the tally's totals and a sample of receipts.
    #[default]
    FromTally,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FromLog => {
                "proof from the log: every voter-day against the journal, and the tally against it"
            }
            Self::FromTally => {
                "proof from the tally alone: totals per day and choice within what is in doubt, \
                 and a sample of receipts; it sees how many are lost or double, not whose. With \
                 --kafka or --data each voter-day is looked at"
            }
        })
    }
}

/// What the proof found, after the tally had caught up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// From what.
    pub made: Made,
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
