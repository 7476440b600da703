//! Both ways to count a batch: they must not differ in anything that can be seen.
//!
//! Ballot by ballot is the way that is easy to believe; the model in `tests/` watches over it.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{
    Ballot, BatchBuilder, Close, Day, FOLD_VERSION, JournalId, Record, VoterId, VoterMap, words_for,
};

const PARTITION: u32 = 1;
const DAY_MS: i64 = 1_000;
const DAYS: Range<u32> = 0..3;

fn day(index: u32) -> VotingDay {
    VotingDay::new(2023, 12, 18 + index).unwrap()
}

fn rules(choices: u32) -> Rules {
    let span = |index| {
        let start_ms = i64::from(index) * DAY_MS;
        Day { day: day(index), start_ms, end_ms: start_ms + DAY_MS }
    };
    Rules {
        journal: JournalId([0; 16]),
        campaign: "c".to_owned(),
        partitions: 2,
        choices,
        choices_per_ballot_min: 1.max(choices / 100),
        choices_per_ballot_max: choices.div_ceil(2),
        days: DAYS.map(span).collect(),
        grace_ms: 10,
        fold_version: FOLD_VERSION,
        pseudonym_key: [0; 16],
    }
}

/// A fold under these rules whose first day is closed.
fn fold(rules: &Rules) -> Fold {
    let close = Close { day: day(0), instant_ms: DAY_MS, clock_ms: DAY_MS + 10 };
    let mut fold = Fold::new(JournalId([0; 16]), PARTITION);
    for record in [Record::Rules(rules.clone()), Record::Close(close)] {
        fold.apply(fold.frontier, &record.encode(), &mut VoterMap::new(0)).unwrap();
    }
    fold
}

/// A ballot that is valid on a day.
fn any_ballot(choices: u32, on: u32) -> impl Strategy<Value = Ballot> {
    let start_ms = i64::from(on) * DAY_MS;
    let count = choices.div_ceil(100) as usize..=choices.div_ceil(2) as usize;
    let numbers: Vec<u32> = (1..=choices).collect();
    let chosen = prop::sample::subsequence(numbers, count);
    (0u64..300, chosen, start_ms..start_ms + DAY_MS).prop_map(|(low, chosen, cast_at_ms)| {
        let voter = VoterId { high: u64::MAX - low % 2, low };
        Ballot { voter, choices: chosen.into_iter().collect(), cast_at_ms }
    })
}

/// What makes a ballot unlike the others of its batch.
#[derive(Debug, Clone, Copy)]
enum Spoilt {
    Voter,
    NoChoices,
    AllChoices,
    UnknownChoice,
    Early,
    Late,
    OtherDay,
}

const SPOILT: [Spoilt; 7] = [
    Spoilt::Voter,
    Spoilt::NoChoices,
    Spoilt::AllChoices,
    Spoilt::UnknownChoice,
    Spoilt::Early,
    Spoilt::Late,
    Spoilt::OtherDay,
];

fn spoil(ballot: &mut Ballot, how: Spoilt, choices: u32) {
    match how {
        Spoilt::Voter => ballot.voter.high = 0,
        Spoilt::NoChoices => ballot.choices = ChoiceSet::new(),
        Spoilt::AllChoices => ballot.choices = (1..=choices).collect(),
        Spoilt::UnknownChoice => ballot.choices = [choices + 1].into_iter().collect(),
        Spoilt::Early => ballot.cast_at_ms = -1,
        Spoilt::Late => ballot.cast_at_ms = i64::from(DAYS.end) * DAY_MS,
        Spoilt::OtherDay => ballot.cast_at_ms = (ballot.cast_at_ms + DAY_MS) % (3 * DAY_MS),
    }
}

fn batch(ballots: &[Ballot], words: usize) -> Batch {
    let mut builder = BatchBuilder::new(words);
    for ballot in ballots {
        builder.push(ballot);
    }
    builder.finish()
}

/// A number of choices, and batches of ballots of one day, half of them with one spoilt.
fn any_batches() -> impl Strategy<Value = (u32, Vec<Vec<Ballot>>)> {
    let choices = prop_oneof![Just(20u32), 2u32..=255];
    choices.prop_flat_map(|choices| {
        let ballots = prop_oneof![1 => Just(0u32), 6 => Just(1), 2 => Just(2)]
            .prop_flat_map(move |on| vec(any_ballot(choices, on), 1..200));
        let spoilt =
            prop::option::of((prop::sample::select(&SPOILT), any::<prop::sample::Index>()));
        let batch = (ballots, spoilt).prop_map(move |(mut ballots, spoilt)| {
            if let Some((how, at)) = spoilt {
                spoil(at.get_mut(&mut ballots), how, choices);
            }
            ballots
        });
        (Just(choices), vec(batch, 1..5))
    })
}

fn marked(voters: &mut VoterMap, all: &[Vec<Ballot>]) -> Vec<(usize, Vec<bool>)> {
    let of_day = |index| {
        voters.with_day(day(index), |set| {
            let is_marked = |ballot: &Ballot| set.contains(ballot.voter);
            (set.len(), all.iter().flatten().map(is_marked).collect())
        })
    };
    DAYS.map(of_day).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn by_columns_or_ballot_by_ballot_makes_no_difference(
        (choices, all) in any_batches(),
        limit in prop_oneof![1usize..300, Just(1_000)],
        wider in 0usize..4,
    ) {
        let rules = rules(choices);
        let (mut fold, mut each) = (fold(&rules), fold(&rules));
        let new_sets = || VoterMap::new(limit);
        let (mut sets, mut sets_each) = (new_sets(), new_sets());
        let (mut rebuilt, mut rebuilt_each) = (new_sets(), new_sets());
        for ballots in &all {
            let batch = batch(ballots, words_for(choices + 1).max(wider));
            let places = place_all(&rules, PARTITION, &fold.closed, &batch);
            let one = places.iter().all(|(place, _)| *place == places[0].0);
            let day = match places[0].0 {
                Place::Open(day) if one => Some(day),
                Place::Open(_) | Place::Closed(_) | Place::Nowhere(_) => None,
            };
            prop_assert_eq!(fold.whole_day(&rules, &batch), day);

            let result = fold.apply_batch(&batch, &mut sets);
            prop_assert_eq!(&result, &each.apply_each(&batch, &mut sets_each));
            prop_assert_eq!(fold.snapshot().encode(), each.snapshot().encode());
            prop_assert_eq!(marked(&mut sets, &all), marked(&mut sets_each, &all));

            let again = fold.mark_batch(&rules, &batch, &mut rebuilt);
            prop_assert_eq!(&again, &fold.mark_each(&rules, &batch, &mut rebuilt_each));
            prop_assert_eq!(again, result);
            prop_assert_eq!(marked(&mut rebuilt, &all), marked(&mut rebuilt_each, &all));
        }
    }
}

/// Were none folded by columns, the two would agree as well.
#[test]
fn a_batch_is_folded_by_columns_unless_a_ballot_of_it_is_spoilt_or_there_may_be_no_room() {
    let voter = |low| VoterId { high: u64::MAX, low };
    let choices = [1, 20].into_iter().collect();
    let ballot = |low| Ballot { voter: voter(low), choices, cast_at_ms: DAY_MS };
    let all: Vec<_> = (0..130).map(ballot).collect();
    let mut fold = fold(&rules(20));
    assert!(fold.apply_whole(&batch(&all, 1), &mut VoterMap::new(130)));
    assert_eq!((fold.outcomes.counted, fold.days[&day(1)].votes[19]), (130, 130));
    assert!(!fold.apply_whole(&batch(&all, 1), &mut VoterMap::new(129)));
    for how in SPOILT {
        for at in [0, 63, 64, 129] {
            let mut all = all.clone();
            spoil(&mut all[at], how, 20);
            assert!(!fold.apply_whole(&batch(&all, 1), &mut VoterMap::new(130)), "{how:?} {at}");
        }
    }
    assert_eq!((fold.outcomes.counted, fold.outcomes.duplicate), (130, 0));
}
