//! The fold against an independent model on random logs; cut anywhere and resumed; its ballots cut
//! into records another way; its voter sets too small.

mod common;
#[path = "common/log.rs"]
mod log;
#[path = "common/model.rs"]
mod model;

use ballot::{Applied, Ballot, Fold, Snapshot, Stop, VoterMap};
use common::{JOURNAL, PARTITION, batch, close, rules, rules_record, voters};
use log::{Entry, any_ballot, any_log};
use model::Model;
use proptest::collection::vec;
use proptest::prelude::*;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

fn offsets() -> impl Iterator<Item = u64> {
    0..
}

/// The smallest offset below the frontier whose timestamp is at least `t`, else the frontier.
fn position_at(log: &[Entry], frontier: u64, t: i64) -> u64 {
    let found = offsets().zip(log).find(|(_, entry)| entry.timestamp_ms >= t);
    found.map_or(frontier, |(offset, _)| offset.min(frontier))
}

/// Goes on from a snapshot as a new owner does: rebuilds the sets, then folds on.
fn resumed(snapshot: &Snapshot, log: &[Entry], limit: usize) -> Result<Fold, Stop> {
    let mut fold = snapshot.resume();
    let mut voters = VoterMap::new(limit);
    let frontier = fold.frontier();
    let earliest = fold.open_days().map(|day| day.start_ms).next();
    let from = earliest.map_or(frontier, |start_ms| position_at(log, frontier, start_ms));
    for (offset, entry) in offsets().zip(log) {
        if (from..frontier).contains(&offset) {
            fold.mark(offset, &entry.value, &mut voters)?;
        }
    }
    assert_eq!(fold.snapshot().encode(), snapshot.encode(), "rebuilding counts nothing");
    for (offset, entry) in offsets().zip(log).filter(|(offset, _)| *offset >= frontier) {
        fold.apply(offset, &entry.value, &mut voters)?;
    }
    Ok(fold)
}

fn uninterrupted(log: &[Entry]) -> Fold {
    let snapshot = Fold::new(JOURNAL, PARTITION).snapshot();
    resumed(&snapshot, log, 1_000).expect("nothing stops it")
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn the_fold_of_any_log_is_the_models(log in any_log(), repeats in vec(0u64..40, 41)) {
        let mut fold = Fold::new(JOURNAL, PARTITION);
        let mut voters = voters();
        let mut model = Model::new(PARTITION, rules());
        for ((offset, entry), repeat) in offsets().zip(&log).zip(repeats) {
            let expected = if model.is_final() { Applied::AfterFinal } else { Applied::Folded };
            prop_assert_eq!(fold.apply(offset, &entry.value, &mut voters), Ok(expected));
            if offset > 0 {
                model.apply(&entry.event);
            }
            if repeat < fold.frontier() {
                let again = fold.apply(repeat, &entry.value, &mut voters);
                prop_assert_eq!(again, Ok(Applied::Skipped));
            }
            prop_assert_eq!(*fold.outcomes(), model.outcomes());
            prop_assert_eq!(fold.days(), &model.days());
            prop_assert_eq!(fold.frontier(), model.frontier);
            prop_assert_eq!(fold.is_final(), model.is_final());
            let snapshot = fold.snapshot();
            let closed = snapshot.closed().iter().copied().collect();
            prop_assert_eq!(&model.closed, &closed);
            prop_assert_eq!(fold.rules(), Some(&model.rules));
        }
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn a_fold_cut_at_any_frontier_and_resumed_is_the_same_to_the_byte(log in any_log()) {
        let whole = uninterrupted(&log).snapshot().encode();
        let mut fold = Fold::new(JOURNAL, PARTITION);
        let mut voters = voters();
        for (offset, entry) in offsets().zip(&log) {
            fold.apply(offset, &entry.value, &mut voters).unwrap();
            let bytes = fold.snapshot().encode();
            let snapshot = Snapshot::decode(&bytes).unwrap();
            prop_assert_eq!(snapshot.encode(), bytes);
            let resumed = resumed(&snapshot, &log, 1_000).unwrap();
            prop_assert_eq!(resumed.snapshot().encode(), &whole, "cut at {}", offset + 1);
        }
    }

    #[test]
    fn a_full_voter_set_leaves_the_fold_as_it_was_and_more_room_makes_it_go_on(
        log in any_log(),
        limit in 0usize..12,
    ) {
        let mut fold = Fold::new(JOURNAL, PARTITION);
        let mut voters = VoterMap::new(limit);
        for (offset, entry) in offsets().zip(&log) {
            let before = fold.snapshot();
            let Err(stop) = fold.apply(offset, &entry.value, &mut voters) else { continue };
            prop_assert!(matches!(stop, Stop::VotersFull { .. }), "{}", stop);
            prop_assert_eq!(fold.snapshot().encode(), before.encode());
            // What had room when it was folded has room when the sets are rebuilt.
            let below = &log[..usize::try_from(offset).unwrap()];
            prop_assert!(resumed(&before, below, limit).is_ok());
            prop_assert_eq!(resumed(&before, &log, limit).unwrap_err(), stop);
            let resumed = resumed(&before, &log, 1_000).unwrap();
            prop_assert_eq!(resumed.snapshot().encode(), uninterrupted(&log).snapshot().encode());
            break;
        }
    }

    #[test]
    fn how_ballots_are_cut_into_records_does_not_matter(
        ballots in vec(any_ballot(), 1..60),
        closed_before in 0usize..60,
        cuts in (vec(any::<bool>(), 60), vec(any::<bool>(), 60)),
    ) {
        let closed_before = closed_before.min(ballots.len());
        let one = cut(&ballots, closed_before, &cuts.0);
        let other = cut(&ballots, closed_before, &cuts.1);
        prop_assert_eq!(one.outcomes(), other.outcomes());
        prop_assert_eq!(one.days(), other.days());
    }
}

/// These ballots with the first day's close before one of them, a record ending where `ends` says.
fn cut(ballots: &[Ballot], closed_before: usize, ends: &[bool]) -> Fold {
    let mut values = vec![rules_record(&rules())];
    let mut record = Vec::new();
    for (index, ballot) in ballots.iter().enumerate() {
        if index == closed_before {
            values.extend((!record.is_empty()).then(|| batch(&std::mem::take(&mut record))));
            values.push(close(0));
        }
        record.push(*ballot);
        if ends[index] {
            values.push(batch(&std::mem::take(&mut record)));
        }
    }
    values.extend((!record.is_empty()).then(|| batch(&record)));
    common::folded(PARTITION, &values)
}

/// A property over logs in which nothing happens proves nothing.
#[test]
fn random_logs_have_every_outcome_and_every_turn() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut sum = ballot::Outcomes::default();
    let (mut finals, mut extended) = (0, 0);
    for _ in 0..200 {
        let log = any_log().new_tree(&mut runner).unwrap().current();
        let fold = uninterrupted(&log);
        sum.add(fold.outcomes());
        finals += u32::from(fold.is_final());
        extended += u32::from(fold.rules().is_some_and(|now| now.days != rules().days));
    }
    let all = [sum.counted, sum.duplicate, sum.late, sum.outside, sum.invalid, sum.misrouted];
    assert!(all.iter().chain([&sum.malformed, &sum.ignored]).all(|n| *n > 100), "{sum:?}");
    assert!((10..100).contains(&finals) && extended > 40, "{finals} final, {extended} extended");
}
