//! A run as JSON, for programs and for comparing runs.
//!
//! Invariant: a field's name and unit never change within one `format`; what was not measured is
//! `null`. The columns under `seconds` all have one entry per second. Never here: a percentile of
//! nothing, or a float that JSON cannot hold.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::processes::{Process, Usage};
use crate::record::{Made, Outcome, Proof, Record, Second};
use crate::report::{Back, Percentiles, PhaseSum, Summary, Verdict, goodput, phases};

/// The name of this shape; another shape has another name.
const FORMAT: &str = "weir-loadtest-1";

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    /// The profile or the plan's file.
    name: &'a str,
    /// An integer of up to 64 bits: some readers need it as text.
    seed: u64,
    /// Since 1970-01-01 UTC.
    began_ms: i64,
    /// Seconds until the last in which the schedule wanted something.
    ran_s: u64,
    totals: Totals,
    /// All that was acknowledged, from the intended time.
    latency: Option<Latency>,
    /// All that was sent, from the intended time until then.
    late: Option<Latency>,
    phases: Vec<PhaseFields>,
    /// Acknowledged a second in the fullest phase, as a share of the best phase's.
    goodput_share: Option<f64>,
    verdict: &'static str,
    /// The verdict in words.
    verdict_text: String,
    proof: Option<ProofFields<'a>>,
    seconds: Columns,
    processes: Vec<ProcessColumns<'a>>,
}

#[derive(Serialize)]
struct Totals {
    wanted_requests: u64,
    sent_requests: u64,
    overdue_requests: u64,
    #[serde(flatten)]
    outcomes: Outcomes<u64>,
    /// Of all answers.
    unavailable_requests: u64,
    no_retry_after_requests: u64,
    /// Of what was rejected, before the opening or behind the close.
    outside_window_requests: u64,
    wanted_peak_per_s: u64,
    acknowledged_peak_per_s: u64,
    acknowledged_mean_per_s: f64,
}

/// One field per [`Outcome`], in its order.
#[derive(Serialize)]
struct Outcomes<T> {
    acknowledged_requests: T,
    already_voted_requests: T,
    rejected_requests: T,
    unexpected_requests: T,
    shed_requests: T,
    in_doubt_requests: T,
    no_answer_requests: T,
    not_sent_requests: T,
}

impl<T> Outcomes<T> {
    fn by(of: impl Fn(Outcome) -> T) -> Self {
        Self {
            acknowledged_requests: of(Outcome::Acknowledged),
            already_voted_requests: of(Outcome::AlreadyVoted),
            rejected_requests: of(Outcome::Rejected),
            unexpected_requests: of(Outcome::Unexpected),
            shed_requests: of(Outcome::Shed),
            in_doubt_requests: of(Outcome::InDoubt),
            no_answer_requests: of(Outcome::NoAnswer),
            not_sent_requests: of(Outcome::NotSent),
        }
    }
}

#[derive(Serialize)]
struct Latency {
    measured_requests: u64,
    p50_us: u64,
    p90_us: u64,
    p99_us: u64,
    p99_9_us: u64,
    max_us: u64,
}

impl Latency {
    fn of(latencies: &Histogram<u64>) -> Option<Self> {
        let found = Percentiles::of(latencies)?;
        Some(Self {
            measured_requests: latencies.len(),
            p50_us: found.p50,
            p90_us: found.p90,
            p99_us: found.p99,
            p99_9_us: found.p99_9,
            max_us: found.max,
        })
    }
}

#[derive(Serialize)]
struct PhaseFields {
    from_s: usize,
    to_s: usize,
    wanted_per_s: f64,
    acknowledged_per_s: f64,
    answered_requests: u64,
    unavailable_requests: u64,
    no_retry_after_requests: u64,
    overdue_requests: u64,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
    /// Whether it follows a higher rate, and a phase before that is there to compare with.
    came_down: bool,
    back_to_normal_after_s: Option<u64>,
}

impl From<PhaseSum> for PhaseFields {
    fn from(sum: PhaseSum) -> Self {
        Self {
            from_s: sum.seconds.0,
            to_s: sum.seconds.1,
            wanted_per_s: sum.wanted_per_s,
            acknowledged_per_s: sum.acknowledged_per_s,
            answered_requests: sum.answers,
            unavailable_requests: sum.unavailable,
            no_retry_after_requests: sum.no_retry_after,
            overdue_requests: sum.overdue,
            p50_us: sum.latency.map(|found| found.p50),
            p99_us: sum.latency.map(|found| found.p99),
            came_down: sum.back != Back::NotAsked,
            back_to_normal_after_s: match sum.back {
                Back::After(seconds) => Some(seconds),
                Back::NotAsked | Back::Not => None,
            },
        }
    }
}

#[derive(Serialize)]
struct ProcessColumns<'a> {
    name: &'a str,
    resident_bytes: Vec<Option<u64>>,
    cpu_ms: Vec<Option<u64>>,
}

impl<'a> From<&'a Process> for ProcessColumns<'a> {
    fn from(process: &'a Process) -> Self {
        let column =
            |of: fn(Usage) -> u64| process.seconds.iter().map(|usage| usage.map(of)).collect();
        Self {
            name: &process.name,
            resident_bytes: column(|usage| usage.resident_bytes),
            cpu_ms: column(|usage| usage.cpu_ms),
        }
    }
}

#[derive(Serialize)]
struct ProofFields<'a> {
    /// What it was made from: the log, or the tally alone.
    evidence: &'static str,
    acknowledged_voter_days: u64,
    lost_voter_days: u64,
    double_voter_days: u64,
    unsent_ballots: u64,
    in_doubt_voter_days: u64,
    in_doubt_counted_voter_days: u64,
    caught_up_ms: u64,
    examples: &'a [String],
}

impl<'a> From<&'a Proof> for ProofFields<'a> {
    fn from(proof: &'a Proof) -> Self {
        Self {
            evidence: match proof.made {
                Made::FromLog => "log",
                Made::FromTally => "tally",
            },
            acknowledged_voter_days: proof.acknowledged,
            lost_voter_days: proof.lost,
            double_voter_days: proof.double,
            unsent_ballots: proof.unsent,
            in_doubt_voter_days: proof.in_doubt,
            in_doubt_counted_voter_days: proof.in_doubt_counted,
            caught_up_ms: proof.caught_up_ms,
            examples: &proof.examples,
        }
    }
}

#[derive(Serialize)]
struct Columns {
    wanted_requests: Vec<u64>,
    sent_requests: Vec<u64>,
    overdue_requests: Vec<u64>,
    #[serde(flatten)]
    outcomes: Outcomes<Vec<u64>>,
    unavailable_requests: Vec<u64>,
    no_retry_after_requests: Vec<u64>,
    /// Of what was acknowledged in the second, from the intended time.
    p50_us: Vec<Option<u64>>,
    p90_us: Vec<Option<u64>>,
    p99_us: Vec<Option<u64>>,
    p99_9_us: Vec<Option<u64>>,
    max_us: Vec<Option<u64>>,
    /// What the tally showed in this second.
    counted_ballots: Vec<Option<u64>>,
}

impl Columns {
    fn of(seconds: &[Second]) -> Self {
        let latencies: Vec<Option<Percentiles>> =
            seconds.iter().map(|second| Percentiles::of(&second.latency_us)).collect();
        let column = |of: fn(&Second) -> u64| seconds.iter().map(of).collect();
        let percentile =
            |of: fn(Percentiles) -> u64| latencies.iter().map(|found| found.map(of)).collect();
        Self {
            wanted_requests: column(|second| second.wanted),
            sent_requests: column(|second| second.sent),
            overdue_requests: column(|second| second.overdue),
            outcomes: Outcomes::by(|outcome| {
                seconds.iter().map(|second| second.outcomes[outcome as usize]).collect()
            }),
            unavailable_requests: column(|second| second.unavailable),
            no_retry_after_requests: column(|second| second.no_retry_after),
            p50_us: percentile(|found| found.p50),
            p90_us: percentile(|found| found.p90),
            p99_us: percentile(|found| found.p99),
            p99_9_us: percentile(|found| found.p99_9),
            max_us: percentile(|found| found.max),
            counted_ballots: seconds.iter().map(|second| second.counted).collect(),
        }
    }
}

/// The run as one JSON document, in lines.
///
/// # Panics
///
/// Never: the document has only text, integers and finite floats.
#[must_use]
pub fn json(record: &Record) -> String {
    let totals = Summary::of(record);
    let verdict = Verdict::of(record);
    let sums = phases(record);
    let document = Document {
        format: FORMAT,
        name: &record.name,
        seed: record.seed,
        began_ms: record.began_ms,
        ran_s: totals.ran_s,
        totals: Totals {
            wanted_requests: totals.wanted,
            sent_requests: totals.sent,
            overdue_requests: totals.overdue,
            outcomes: Outcomes::by(|outcome| totals.outcome(outcome)),
            unavailable_requests: totals.unavailable,
            no_retry_after_requests: totals.no_retry_after,
            outside_window_requests: totals.outside,
            wanted_peak_per_s: totals.wanted_peak_per_s,
            acknowledged_peak_per_s: totals.acknowledged_peak_per_s,
            acknowledged_mean_per_s: totals.acknowledged_mean_per_s(),
        },
        latency: Latency::of(&record.latency_us),
        late: Latency::of(&record.late_us),
        goodput_share: goodput(&sums),
        phases: sums.into_iter().map(PhaseFields::from).collect(),
        verdict: verdict.standing.name(),
        verdict_text: verdict.headline,
        proof: record.proof.as_ref().map(ProofFields::from),
        seconds: Columns::of(&record.seconds),
        processes: record.processes.iter().map(ProcessColumns::from).collect(),
    };
    serde_json::to_string(&document).expect("text, integers and finite floats are JSON")
}
