//! The rounds as a table of medians. Never here: a figure that was not measured; that is a dash.

use benches::{median, ratio, shown};

use crate::Plan;
use crate::rounds::Round;
use crate::store::Kind;

/// Counting that takes less is over between two looks at it: it has no rate.
const COUNTING_US_MIN: u64 = 50_000;

/// A line for each journal.
pub(crate) fn table(plan: &Plan, rounds: &[Round]) -> String {
    let Plan { kinds, ballots, rounds: times, per_record, in_flight } = plan;
    let mut lines = vec![
        format!(
            "Medians of {times} rounds, {ballots} ballots in records of {per_record}, {in_flight} \
             records in flight when they were appended:"
        ),
        String::new(),
        "| journal | CPU ns per ballot | broker ns, reading | broker ns, appending \
         | ballots/s while counting | s from start to published | peak MiB |"
            .to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(kinds.iter().map(|&kind| line(kind, *ballots, rounds)));
    lines.join("\n")
}

fn line(kind: Kind, ballots: u64, rounds: &[Round]) -> String {
    let middle = |figure: &dyn Fn(&Round) -> Option<f64>| {
        let of_kind = rounds.iter().filter(|round| round.kind == kind);
        median(of_kind.filter_map(figure).collect())
    };
    let broker = |of: usize| middle(&|r| ratio(r.broker_us?.get(of)? * 1_000, ballots));
    let rate = |r: &Round| {
        ratio(ballots * 1_000_000, r.counting_us).filter(|_| r.counting_us >= COUNTING_US_MIN)
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |",
        kind.name(),
        shown(middle(&|r| ratio(r.cpu_us * 1_000, ballots)), 1),
        shown(broker(0), 1),
        shown(broker(1), 1),
        shown(middle(&rate), 0),
        shown(middle(&|r| ratio(r.whole_us, 1_000_000)), 2),
        shown(middle(&|r| ratio(r.peak_kib, 1_024)), 0),
    )
}
