//! A schedule: what voters do and what goes wrong, all drawn from a seed before it starts.

use ballot::{ChoiceSet, VoterId};
use journal::simulated::Random;

use crate::voters::Voter;

/// Choices of the simulated campaign: more than a word of bits holds.
pub(crate) const CHOICES: u32 = 70;
pub(crate) const PARTITIONS: u32 = 3;
pub(crate) const DAY_MS: u64 = 1_500;
pub(crate) const GRACE_MS: u64 = 600;
pub(crate) const EDGES: usize = 2;
pub(crate) const AGGREGATORS: usize = 2;

/// Something that happens at a moment.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// A voter casts a ballot on an edge, and again after each answer that leaves it open.
    Vote(Voter),
    /// A ballot that no edge would let through lands in a batch with a good one.
    Smuggle {
        voter: VoterId,
    },
    /// A close record with a clock before instant and grace.
    EarlyClose {
        partition: u32,
    },
    /// A record that does not decode.
    Garble {
        partition: u32,
    },
    /// The newest rules again, as from a second writer.
    RepeatRules {
        partition: u32,
    },
    CrashEdge(usize),
    /// SIGTERM and a new one.
    DrainEdge(usize),
    CrashAggregator(usize),
    /// SIGTERM and a new one.
    RestartAggregator(usize),
    Stall(u64),
    Isolate(usize, u64),
    Rebalance,
    Compact,
    StepClock {
        aggregator: bool,
        index: usize,
        skew_ms: i64,
    },
    /// The campaign's end moves; each partition hears of it after so many milliseconds.
    Extend {
        ms: i64,
        after_ms: [u64; PARTITIONS as usize],
    },
}

/// The actions of a seed with the millisecond of each, in order.
pub(crate) fn schedule(random: &mut Random) -> Vec<(u64, Action)> {
    let mut actions = Vec::new();
    let end_ms = 2 * DAY_MS + GRACE_MS;
    let voters: Vec<VoterId> = (0..12).map(|_| voter(random)).collect();
    for _ in 0..30 {
        let vote = Action::Vote(vote(random, &voters));
        // A third around midnight and the close.
        let at_ms = match random.below(6) {
            0 => DAY_MS - 150 + random.below(300),
            1 => 2 * DAY_MS - 150 + random.below(300),
            _ => random.below(2 * DAY_MS),
        };
        actions.push((at_ms, vote));
    }
    for _ in 0..random.below(3) {
        let voter = voters[random.index(voters.len())];
        actions.push((random.below(2 * DAY_MS), Action::Smuggle { voter }));
    }
    for _ in 0..random.below(7) {
        actions.push((random.below(end_ms), trouble(random)));
    }
    if random.chance(300) {
        burst(random, &voters, &mut actions);
    }
    if random.chance(200) {
        // In every partition before the old end by any sound clock: nothing is cast behind that
        // end before it is extended.
        let last_ms = 2 * DAY_MS - 200;
        let at_ms = if random.chance(500) { random.below(last_ms) } else { last_ms };
        let after_ms = [(); PARTITIONS as usize].map(|()| random.below(60));
        let ms = 300 + random.below(900).cast_signed();
        actions.push((at_ms, Action::Extend { ms, after_ms }));
    }
    actions.sort_by_key(|(at_ms, _)| *at_ms);
    actions
}

/// Votes on both sides of midnight or around the close, more than an edge admits, while the journal
/// stalls; and then an owner crashes, perhaps an edge too.
fn burst(random: &mut Random, voters: &[VoterId], actions: &mut Vec<(u64, Action)>) {
    let middle_ms = if random.chance(500) { DAY_MS } else { 2 * DAY_MS };
    for _ in 0..24 + random.below(24) {
        let at_ms = middle_ms - 60 + random.below(120);
        actions.push((at_ms, Action::Vote(vote(random, voters))));
    }
    let stall_at_ms = middle_ms - 80 + random.below(80);
    actions.push((stall_at_ms, Action::Stall(100 + random.below(500))));
    let crash_at_ms = middle_ms + random.below(700);
    actions.push((crash_at_ms, Action::CrashAggregator(random.index(AGGREGATORS))));
    if random.chance(300) {
        actions.push((middle_ms + random.below(300), Action::CrashEdge(random.index(EDGES))));
    }
}

fn vote(random: &mut Random, voters: &[VoterId]) -> Voter {
    Voter {
        voter: voters[random.index(voters.len())],
        choices: choices(random),
        edge: random.index(EDGES),
        retries: u32::try_from(random.below(4)).unwrap(),
        patience_ms: random.chance(100).then(|| random.below(40)),
    }
}

fn trouble(random: &mut Random) -> Action {
    let partition = u32::try_from(random.below(u64::from(PARTITIONS))).unwrap();
    match random.below(15) {
        0 => Action::CrashEdge(random.index(EDGES)),
        1 | 2 => Action::CrashAggregator(random.index(AGGREGATORS)),
        3 => Action::RestartAggregator(random.index(AGGREGATORS)),
        4 => Action::Stall(random.below(400)),
        5 | 6 => Action::Isolate(random.index(AGGREGATORS), 300 + random.below(1_200)),
        7 | 8 => Action::Rebalance,
        9 => Action::Compact,
        10 => Action::EarlyClose { partition },
        11 => Action::DrainEdge(random.index(EDGES)),
        12 => Action::Garble { partition },
        13 => Action::RepeatRules { partition },
        _ => {
            let aggregator = random.chance(500);
            let index = random.index(if aggregator { AGGREGATORS } else { EDGES });
            let wide = random.chance(300);
            let skew_ms = random.below(if wide { 10_000 } else { 180 }).cast_signed();
            let skew_ms = skew_ms - if wide { 5_000 } else { 90 };
            Action::StepClock { aggregator, index, skew_ms }
        }
    }
}

fn voter(random: &mut Random) -> VoterId {
    VoterId { high: random.bits(), low: random.bits() }
}

fn choices(random: &mut Random) -> ChoiceSet {
    let count = 1 + random.below(3);
    (0..count).map(|_| 1 + u32::try_from(random.below(u64::from(CHOICES))).unwrap()).collect()
}
