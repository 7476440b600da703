//! The tally document: sums over partitions, when it is final, when there is none, and its JSON.

mod common;

use ballot::{Ballot, Fold, JournalId, Rules, Snapshot, TallyDocument, VoterId};
use common::{
    DAY_MS, GRACE_MS, JOURNAL, ballot, batch, close, day_span, folded, rules, rules_record, voter,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Two choices-wide rules of two days in two partitions: small enough to read.
fn small() -> Rules {
    let days = (0..2).map(day_span).collect();
    let campaign = "autumn".into();
    Rules { partitions: 2, choices: 3, days, campaign, ..rules() }
}

/// A ballot in either half of the voters.
fn of(half: u32, number: u32, choices: &[u32], after_ms: i64) -> Ballot {
    Ballot { voter: voter(half * 2, number), ..ballot(number, choices, after_ms) }
}

/// A snapshot of each partition: of the first whole, of the second only its first day closed.
fn pair() -> [Snapshot; 2] {
    let first = [
        rules_record(&small()),
        batch(&[of(0, 1, &[1, 2], 0), of(0, 2, &[1], 5), of(0, 1, &[3], 6)]),
        batch(&[of(0, 1, &[3], DAY_MS), of(0, 3, &[], 0), of(1, 3, &[1], 0)]),
        close(0),
        batch(&[of(0, 4, &[1], 7)]),
        close(1),
    ];
    let second =
        [rules_record(&small()), batch(&[of(1, 1, &[2], 0), of(1, 2, &[1], 2 * DAY_MS)]), close(0)];
    [folded(0, &first).snapshot(), folded(1, &second).snapshot()]
}

#[test]
fn the_json_is_as_it_is_documented() {
    let [first, second] = pair();
    let document = TallyDocument::of(&[&first, &second]).unwrap();
    let golden = include_str!("golden/tally.json");
    let pretty = serde_json::to_string_pretty(&document).unwrap();
    assert!(golden.trim_end() == pretty, "golden/tally.json is not what is made now:\n{pretty}");
    // Served without a space or line end; the golden file has none within its strings.
    let compact: Vec<u8> = golden.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    assert_eq!(document.to_json(), compact);
}

#[test]
fn a_document_is_final_only_when_every_partition_is() {
    let [first, second] = pair();
    assert!(!TallyDocument::of(&[&first, &second]).unwrap().is_final);
    let mut fold = second.resume();
    fold.apply(3, &close(1), &mut common::voters()).unwrap();
    let second = fold.snapshot();
    let document = TallyDocument::of(&[&first, &second]).unwrap();
    assert!(document.is_final);
    assert!(document.days.iter().all(|day| day.closed));
}

#[test]
fn a_day_is_closed_only_when_every_partition_closed_it() {
    let [first, second] = pair();
    let document = TallyDocument::of(&[&first, &second]).unwrap();
    assert_eq!(document.days.iter().map(|day| day.closed).collect::<Vec<_>>(), [true, false]);
    let finals: Vec<_> = document.partitions.iter().map(|partition| partition.is_final).collect();
    assert_eq!(finals, [true, false]);

    let behind = folded(0, &[rules_record(&small())]).snapshot();
    let document = TallyDocument::of(&[&behind, &second]).unwrap();
    assert!(document.days.iter().all(|day| !day.closed));
}

#[test]
fn there_is_no_document_unless_each_partition_is_there_once_and_in_order() {
    let [first, second] = &pair();
    let none = Fold::new(JOURNAL, 1).snapshot();
    let wrong: [&[&Snapshot]; 8] = [
        &[],
        &[first],
        &[second],
        &[second, first],
        &[first, first],
        &[first, second, second],
        &[first, &none],
        &[&none, second],
    ];
    for snapshots in wrong {
        assert_eq!(TallyDocument::of(snapshots), None);
    }
}

#[test]
fn there_is_no_document_of_two_journals() {
    let [first, _] = pair();
    let other = Rules { journal: JournalId([7; 16]), ..small() };
    let mut fold = Fold::new(other.journal, 1);
    fold.apply(0, &rules_record(&other), &mut common::voters()).unwrap();
    assert_eq!(TallyDocument::of(&[&first, &fold.snapshot()]), None);
}

#[test]
fn partitions_on_their_way_to_new_rules_make_one_document_by_the_newest() {
    let mut longer = small();
    longer.days.push(day_span(2));
    longer.grace_ms = GRACE_MS + 1;
    let ahead =
        [rules_record(&small()), rules_record(&longer), batch(&[of(1, 1, &[2], 2 * DAY_MS)])];
    let ahead = folded(1, &ahead).snapshot();
    let behind = folded(0, &[rules_record(&small())]).snapshot();
    let document = TallyDocument::of(&[&behind, &ahead]).unwrap();
    assert_eq!(document.rules, ballot::hex(&longer.hash()));
    assert_eq!(document.days.iter().map(|day| day.ballots).collect::<Vec<_>>(), [0, 0, 1]);
    assert!(!document.is_final);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn into_how_many_partitions_voters_are_spread_does_not_matter(
        ballots in vec((0u32..4, 0u32..6, 0u32..5, -100..3 * DAY_MS + 100), 1..50),
    ) {
        let ballots: Vec<Ballot> = ballots.into_iter().map(|(quarter, number, choice, at)| {
            let voter: VoterId = voter(quarter, number);
            Ballot { voter, ..ballot(number, &[choice, choice + 17], at) }
        }).collect();
        let one = spread(&ballots, 1);
        let sums = |document: &TallyDocument| {
            let votes = document.days.iter().flat_map(|day| &day.votes).sum::<u64>();
            (document.days.iter().map(|day| day.ballots).sum::<u64>(), votes)
        };
        prop_assert_eq!(sums(&one), (one.ballots, one.votes.iter().sum()));
        prop_assert_eq!(one.outcomes.counted, one.ballots);
        for partitions in [2, 3, 4, 16] {
            let many = spread(&ballots, partitions);
            prop_assert_eq!(&many.days, &one.days);
            prop_assert_eq!(&many.votes, &one.votes);
            prop_assert_eq!(many.outcomes, one.outcomes);
        }
    }
}

/// The document of these ballots, each in its voter's partition.
fn spread(ballots: &[Ballot], partitions: u32) -> TallyDocument {
    let rules = Rules { partitions, ..rules() };
    let snapshot = |partition| {
        let here = ballots.iter().filter(|b| b.voter.partition(partitions) == partition);
        let records = here.map(|ballot| batch(&[*ballot]));
        let log: Vec<_> = std::iter::once(rules_record(&rules)).chain(records).collect();
        folded(partition, &log).snapshot()
    };
    let snapshots: Vec<Snapshot> = (0..partitions).map(snapshot).collect();
    TallyDocument::of(&snapshots.iter().collect::<Vec<_>>()).expect("every partition is there")
}
