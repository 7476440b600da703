//! Fold, case by case: which records it takes, what stops it, and what a stop leaves behind.
//!
//! "As it was" means the bytes of its snapshot: there is no other state that counts.

mod common;

use ballot::{Applied, Fold, JournalId, RULES_MAX, Record, Rules, Stop, VoterMap, Voters};
use bytes::Bytes;
use common::{
    DAY_MS, JOURNAL, OPENS_MS, PARTITION, PARTITIONS, ballot, batch, close, day, day_span, folded,
    rules, rules_record, valid_close, voters,
};

const MALFORMED: Bytes = Bytes::from_static(&[8, 1, 16, 2]);

/// Hands over a record that must stop the fold, and that must change nothing.
fn assert_stops(fold: &mut Fold, offset: u64, value: &Bytes, voters: &mut VoterMap) -> Stop {
    let before = fold.snapshot().encode();
    let stop = fold.apply(offset, value, voters).expect_err("it stops");
    assert_eq!(fold.snapshot().encode(), before, "{stop}");
    stop
}

#[test]
fn a_log_that_does_not_begin_with_its_rules_stops_the_fold() {
    let mut other = rules();
    other.journal = JournalId([7; 16]);
    for value in [batch(&[ballot(1, &[1], 0)]), close(0), MALFORMED, rules_record(&other)] {
        let mut fold = Fold::new(JOURNAL, PARTITION);
        assert_eq!(assert_stops(&mut fold, 0, &value, &mut voters()), Stop::NoRules);
        assert_eq!((fold.frontier(), fold.rules()), (0, None));
        assert_eq!(fold.apply(0, &rules_record(&rules()), &mut voters()), Ok(Applied::Folded));
    }
    let mut beyond = Fold::new(JOURNAL, PARTITIONS);
    let stop = assert_stops(&mut beyond, 0, &rules_record(&rules()), &mut voters());
    assert_eq!(stop, Stop::NoRules);
}

#[test]
fn an_unknown_record_stops_the_fold_and_a_malformed_one_is_counted() {
    let mut fold = folded(PARTITION, &[rules_record(&rules())]);
    let mut next = rules();
    next.fold_version += 1;
    let unknown: [&[u8]; 5] = [&[], &[8, 2, 16, 2], &[8, 1, 16, 4], b"{}", &[8, 1, 16, 1, 0x1a, 0]];
    for value in unknown.map(Bytes::copy_from_slice).iter().chain([&rules_record(&next)]) {
        assert_eq!(assert_stops(&mut fold, 1, value, &mut voters()), Stop::Unknown(1));
    }
    assert_eq!(fold.apply(1, &MALFORMED, &mut voters()), Ok(Applied::Folded));
    assert_eq!((fold.frontier(), fold.outcomes().malformed), (2, 1));

    let mut empty = Fold::new(JOURNAL, PARTITION);
    assert_eq!(assert_stops(&mut empty, 0, &Bytes::new(), &mut voters()), Stop::Unknown(0));
    assert_eq!(assert_stops(&mut empty, 0, &rules_record(&next), &mut voters()), Stop::Unknown(0));
}

#[test]
fn a_gap_stops_the_fold_and_what_lies_below_the_frontier_is_skipped() {
    let log = [rules_record(&rules()), batch(&[ballot(1, &[1], 0)])];
    let mut fold = folded(PARTITION, &log);
    let stop = assert_stops(&mut fold, 3, &log[1], &mut voters());
    assert_eq!(stop, Stop::Gap { expected: 2, found: 3 });
    let before = fold.snapshot().encode();
    for (offset, value) in [(0, &log[0]), (1, &log[1]), (1, &Bytes::new())] {
        assert_eq!(fold.apply(offset, value, &mut voters()), Ok(Applied::Skipped));
    }
    assert_eq!(fold.snapshot().encode(), before);
    assert_eq!(
        assert_stops(&mut Fold::new(JOURNAL, 0), 1, &log[0], &mut voters()),
        Stop::Gap { expected: 0, found: 1 }
    );
}

#[test]
fn nothing_moves_after_the_campaigns_close() {
    let log = [rules_record(&rules()), batch(&[ballot(1, &[1], 2_500)]), close(2)];
    let mut fold = folded(PARTITION, &log);
    assert!(fold.is_final());
    let open: Vec<_> = fold.open_days().map(|day| day.day).collect();
    assert_eq!(open, [day(0), day(1)], "days without a close record stay without");
    let before = fold.snapshot().encode();
    let mut longer = rules();
    longer.days.push(day_span(3));
    let after = [batch(&[ballot(2, &[1], 0)]), close(0), rules_record(&longer), Bytes::new()];
    for (offset, value) in [(3, &after[0]), (3, &after[1]), (4, &after[2]), (90, &after[3])] {
        assert_eq!(fold.apply(offset, value, &mut voters()), Ok(Applied::AfterFinal));
    }
    assert_eq!(fold.apply(2, &log[2], &mut voters()), Ok(Applied::Skipped));
    assert_eq!(fold.snapshot().encode(), before);
}

#[test]
fn a_full_voter_set_stops_the_fold_before_any_ballot_of_the_record() {
    let mut fold = folded(PARTITION, &[rules_record(&rules())]);
    let mut voters = VoterMap::new(3);
    let two = batch(&[ballot(1, &[1], 0), ballot(2, &[1], 0)]);
    assert_eq!(fold.apply(1, &two, &mut voters), Ok(Applied::Folded));
    // Another day has room, and its ballots come first in the record: still nothing is counted.
    let mixed = batch(&[
        ballot(5, &[1], DAY_MS),
        ballot(5, &[], 0),
        ballot(3, &[1], 0),
        ballot(4, &[1], 0),
    ]);
    let stop = assert_stops(&mut fold, 2, &mixed, &mut voters);
    assert_eq!(stop, Stop::VotersFull { day: day(0) });
    // Nor was anybody marked: the same voters are new to the record that fits.
    let fits = batch(&[ballot(5, &[1], DAY_MS), ballot(3, &[1], 0)]);
    assert_eq!(fold.apply(2, &fits, &mut voters), Ok(Applied::Folded));
    assert_eq!((fold.outcomes().counted, fold.outcomes().duplicate), (4, 0));
}

#[test]
fn only_a_close_of_the_rules_instant_and_behind_the_grace_takes_effect() {
    let mut fold = folded(PARTITION, &[rules_record(&rules())]);
    let mut set = voters();
    let right = valid_close(&day_span(0));
    let mut wrong = [right; 4];
    wrong[0].instant_ms += 1;
    wrong[1].clock_ms -= 1;
    wrong[2].day = day(9);
    wrong[3].day = day(1);
    for (offset, close) in (1..).zip(wrong) {
        let value = Record::Close(close).encode();
        assert_eq!(fold.apply(offset, &value, &mut set), Ok(Applied::Folded));
        assert_eq!((fold.outcomes().ignored, fold.open_days().count()), (offset, 3));
    }
    let value = Record::Close(right).encode();
    assert_eq!(fold.apply(5, &value, &mut set), Ok(Applied::Folded));
    assert_eq!((fold.outcomes().ignored, fold.open_days().count()), (4, 2));
    assert_eq!(fold.apply(6, &value, &mut set), Ok(Applied::Folded));
    assert_eq!(fold.outcomes().ignored, 5);
    // Late, whatever its cast time and whether its voter had been counted.
    let late = batch(&[ballot(1, &[1], 0), ballot(1, &[1], DAY_MS - 1), ballot(1, &[1], DAY_MS)]);
    assert_eq!(fold.apply(7, &late, &mut set), Ok(Applied::Folded));
    assert_eq!((fold.outcomes().late, fold.outcomes().counted), (2, 1));
}

#[test]
fn a_close_drops_the_voters_of_its_day_and_of_no_other() {
    let mut fold = folded(PARTITION, &[rules_record(&rules())]);
    let mut set = voters();
    let both = batch(&[ballot(1, &[1], 0), ballot(1, &[1], DAY_MS)]);
    for (offset, value, left) in [(1, both, [1, 1]), (2, close(9), [1, 1]), (3, close(0), [0, 1])] {
        assert_eq!(fold.apply(offset, &value, &mut set), Ok(Applied::Folded));
        assert_eq!([0, 1].map(|index| set.with_day(day(index), |day| day.len())), left);
    }
}

#[test]
fn an_extension_counts_from_its_offset_on_and_the_old_close_no_longer_does() {
    let at = 3 * DAY_MS + 10;
    let mut longer = rules();
    longer.days[2].end_ms = OPENS_MS + 3 * DAY_MS + 500;
    let log = [
        rules_record(&rules()),
        batch(&[ballot(1, &[1], at)]),
        rules_record(&longer),
        close(2),
        batch(&[ballot(1, &[2], at), ballot(2, &[2], at + 490)]),
        Record::Close(valid_close(&longer.days[2])).encode(),
    ];
    let fold = folded(PARTITION, &log);
    let outcomes = fold.outcomes();
    assert_eq!((outcomes.outside, outcomes.ignored, outcomes.counted), (2, 1, 1));
    assert!(fold.is_final());
    assert_eq!(fold.days()[&day(2)].votes[..2], [0, 1]);
}

#[test]
fn the_same_rules_again_do_nothing() {
    let fold = folded(PARTITION, &[rules_record(&rules()), rules_record(&rules())]);
    assert_eq!((fold.snapshot().rules().len(), fold.outcomes().ignored), (1, 1));
}

#[test]
fn a_wave_of_retries_does_not_fill_a_voter_set() {
    let mut fold = Fold::new(rules().journal, PARTITION);
    let mut voters = VoterMap::new(3);
    let value = batch(&[1, 2, 3].map(|number| ballot(number, &[1], 0)));
    fold.apply(0, &rules_record(&rules()), &mut voters).unwrap();
    for offset in 1..4 {
        assert_eq!(fold.apply(offset, &value, &mut voters), Ok(Applied::Folded));
    }
    assert_eq!((fold.outcomes().counted, fold.outcomes().duplicate), (3, 6));
    let one_more = batch(&[ballot(1, &[1], 0), ballot(4, &[1], 0)]);
    assert_eq!(fold.apply(4, &one_more, &mut voters), Err(Stop::VotersFull { day: day(0) }));
}

#[test]
fn rules_beyond_the_limit_are_ignored() {
    let with_grace = |grace_ms| rules_record(&Rules { grace_ms, ..rules() });
    let log: Vec<_> = (0..RULES_MAX as u64 + 2).map(with_grace).collect();
    let fold = folded(PARTITION, &log);
    assert_eq!((fold.snapshot().rules().len(), fold.outcomes().ignored), (RULES_MAX, 2));
    assert!(ballot::Snapshot::decode(&fold.snapshot().encode()).is_ok());
}
