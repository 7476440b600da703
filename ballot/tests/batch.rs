//! Batches: what goes in comes out, at every number of words, and choices beyond 64 are counted.

mod common;

use ballot::{Ballot, Batch, BatchBuilder, ChoiceSet, Record, Rules, VoterId};
use bytes::Bytes;
use common::{PARTITION, ballot, batch_of, folded, rules, rules_record};
use proptest::array::uniform4;
use proptest::collection::vec;
use proptest::prelude::*;

fn built(ballots: &[Ballot], words: usize) -> BatchBuilder {
    let mut builder = BatchBuilder::new(words);
    for (index, ballot) in (0..).zip(ballots) {
        assert_eq!(builder.push(ballot), index);
    }
    builder
}

fn decoded(value: &Bytes) -> Batch {
    let Ok(Record::Batch(batch)) = Record::decode(value) else {
        unreachable!("it was encoded as a batch")
    };
    batch
}

prop_compose! {
    fn any_ballot(words: usize)(
        high in any::<u64>(),
        low in any::<u64>(),
        all in uniform4(any::<u64>()),
        cast_at_ms in any::<i64>(),
    ) -> Ballot {
        let choices = ChoiceSet::from_words(&all[..words]).expect("at most four");
        Ballot { voter: VoterId { high, low }, choices, cast_at_ms }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn ballots_come_back_as_they_went_in(
        (words, ballots) in (1usize..=4)
            .prop_flat_map(|words| (Just(words), vec(any_ballot(words), 1..300))),
    ) {
        let builder = built(&ballots, words);
        prop_assert_eq!(Some(builder.latest_ms()), ballots.iter().map(|b| b.cast_at_ms).max());
        let batch = builder.finish();
        let value = Record::Batch(batch.clone()).encode();
        let read = decoded(&value);
        prop_assert_eq!(&read, &batch);
        prop_assert_eq!(read.len(), ballots.len());
        prop_assert_eq!(read.ballots().collect::<Vec<_>>(), ballots.as_slice());
        for (index, ballot) in ballots.iter().enumerate() {
            prop_assert_eq!(read.ballot(index), Some(*ballot));
        }
        prop_assert_eq!(read.ballot(ballots.len()), None);
    }
}

#[test]
fn an_empty_batch_is_not_a_record() {
    let builder = BatchBuilder::new(1);
    assert!(builder.is_empty());
    assert_eq!(builder.latest_ms(), i64::MIN);
    let value = Record::Batch(builder.finish()).encode();
    assert_eq!(Record::decode(&value), Err(ballot::RecordError::Malformed));
}

#[test]
fn choices_beyond_64_are_counted_under_their_own_numbers() {
    for choices in [65, 100, 128, 129, 192, 193, 256] {
        let wide = Rules { choices, ..rules() };
        let ballots =
            [ballot(1, &[1, 65, choices], 0), ballot(2, &[64, 65], 0), ballot(3, &[choices], 0)];
        let log = [rules_record(&wide), batch_of(choices, &ballots)];
        let fold = folded(PARTITION, &log);
        assert_eq!((fold.outcomes().counted, fold.outcomes().invalid), (3, 0), "{choices}");
        let tally = fold.days().values().next().expect("the first day");
        let of = |number| ballots.iter().filter(|b| b.choices.iter().any(|n| n == number)).count();
        let expected: Vec<u64> = (1..=choices).map(|number| of(number) as u64).collect();
        assert_eq!(tally.votes, expected);
    }
}

#[test]
fn a_choice_the_campaign_does_not_have_is_invalid_in_every_word() {
    let wide = Rules { choices: 100, ..rules() };
    let ballots = [101, 128, 129, 256].map(|number| ballot(number, &[1, number], 0));
    let fold = folded(PARTITION, &[rules_record(&wide), batch_of(256, &ballots)]);
    assert_eq!((fold.outcomes().counted, fold.outcomes().invalid), (0, 4));
}

/// Another edge may write more words than the campaign needs; the ballots are the same.
#[test]
fn words_more_than_needed_change_nothing() {
    let ballots = [ballot(1, &[1, 20], 0), ballot(2, &[7], 0)];
    let narrow = folded(PARTITION, &[rules_record(&rules()), batch_of(20, &ballots)]);
    let wide = folded(PARTITION, &[rules_record(&rules()), batch_of(256, &ballots)]);
    assert_eq!(narrow.days(), wide.days());
}
