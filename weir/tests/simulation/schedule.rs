//! A schedule: what voters do and what goes wrong, all drawn from a seed before it starts.

use ballot::{ChoiceSet, VoterId};
use journal::simulated::Random;

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
    Vote {
        voter: VoterId,
        choices: ChoiceSet,
        edge: usize,
        retries: u32,
    },
    /// A ballot that no edge would let through lands in a batch with a good one.
    Smuggle {
        voter: VoterId,
    },
    /// A close record with a clock before instant and grace.
    EarlyClose {
        partition: u32,
    },
    CrashEdge(usize),
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
    Extend {
        ms: i64,
    },
}

/// The actions of a seed with the millisecond of each, in order.
pub(crate) fn schedule(random: &mut Random) -> Vec<(u64, Action)> {
    let mut actions = Vec::new();
    let end_ms = 2 * DAY_MS + GRACE_MS;
    let voters: Vec<VoterId> = (0..12).map(|_| voter(random)).collect();
    for _ in 0..30 {
        let voter = voters[random.index(voters.len())];
        let (choices, edge) = (choices(random), random.index(EDGES));
        let retries = u32::try_from(random.below(4)).unwrap();
        let vote = Action::Vote { voter, choices, edge, retries };
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
    if random.chance(200) {
        let at_ms = random.below(2 * DAY_MS - 700);
        actions.push((at_ms, Action::Extend { ms: 300 + random.below(900).cast_signed() }));
    }
    actions.sort_by_key(|(at_ms, _)| *at_ms);
    actions
}

fn trouble(random: &mut Random) -> Action {
    match random.below(12) {
        0 => Action::CrashEdge(random.index(EDGES)),
        1 | 2 => Action::CrashAggregator(random.index(AGGREGATORS)),
        3 => Action::RestartAggregator(random.index(AGGREGATORS)),
        4 => Action::Stall(random.below(400)),
        5 | 6 => Action::Isolate(random.index(AGGREGATORS), 300 + random.below(1_200)),
        7 | 8 => Action::Rebalance,
        9 => Action::Compact,
        10 => Action::EarlyClose { partition: u32::try_from(random.index(3)).unwrap() },
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
