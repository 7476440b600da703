//! Noise: no bytes make a decoder panic, and nothing that decodes makes the fold panic.
//!
//! Random bytes seldom get past a header, so most of the noise is golden values with a few bytes
//! changed.

mod common;

use ballot::{Applied, Fold, Record, RecordError, Snapshot, TallyDocument};
use bytes::Bytes;
use common::{
    GOLDEN_BATCH, GOLDEN_BATCH_WIDE, GOLDEN_CLOSE, GOLDEN_RULES, GOLDEN_SNAPSHOT, JOURNAL,
    PARTITION, ballot, batch, close, golden, rules, rules_record, voters,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    Remove(Index),
    Insert(Index, u8),
    Cut(Index),
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        4 => (any::<Index>(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => any::<Index>().prop_map(Change::Remove),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        1 => any::<Index>().prop_map(Change::Cut),
    ]
}

fn changed(file: &str, changes: &[Change]) -> Bytes {
    let mut value = golden(file).to_vec();
    for change in changes {
        let length = value.len().max(1);
        if value.is_empty() {
            value.push(0);
        }
        match change {
            Change::Set(at, byte) => value[at.index(length)] = *byte,
            Change::Flip(at, bit) => value[at.index(length)] ^= 1 << bit,
            Change::Remove(at) => drop(value.remove(at.index(length))),
            Change::Insert(at, byte) => value.insert(at.index(length), *byte),
            Change::Cut(at) => value.truncate(at.index(length)),
        }
    }
    value.into()
}

fn any_value() -> impl Strategy<Value = Bytes> {
    let files = [GOLDEN_RULES, GOLDEN_BATCH, GOLDEN_BATCH_WIDE, GOLDEN_CLOSE, GOLDEN_SNAPSHOT];
    let files = select(files.to_vec());
    let header = prop_oneof![Just(Vec::new()), (1u8..=3).prop_map(|kind| vec![8, 1, 16, kind])];
    let random = (header, vec(any::<u8>(), 0..100));
    prop_oneof![
        1 => random.prop_map(|(header, rest)| [header, rest].concat().into()),
        5 => (files, vec(any_change(), 1..4))
            .prop_map(|(file, changes)| changed(file, &changes)),
    ]
}

/// Folds a value at the frontier and then what any log may hold next.
fn fold_on(mut fold: Fold, value: &Bytes) {
    let mut voters = voters();
    let next = [
        value.clone(),
        rules_record(&rules()),
        batch(&[ballot(1, &[1, 20], 0), ballot(1, &[1], 2_500), ballot(2, &[], 5)]),
        Bytes::from_static(&[8, 1, 16, 3]),
        close(0),
        close(2),
    ];
    for value in &next {
        let before = fold.snapshot().encode();
        let applied = fold.apply(fold.frontier(), value, &mut voters);
        if applied != Ok(Applied::Folded) {
            assert_eq!(fold.snapshot().encode(), before);
        }
        drop(fold.mark(fold.frontier(), value, &mut voters));
    }
    let snapshot = fold.snapshot();
    let read = Snapshot::decode(&snapshot.encode()).expect("what a fold publishes is read");
    assert_eq!(read.encode(), snapshot.encode());
    drop(TallyDocument::of(&[&snapshot; 4]));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(4_000)
    })]

    #[test]
    fn no_bytes_make_a_record_or_a_snapshot_or_their_fold_panic(value in any_value()) {
        if let Ok(record) = Record::decode(&value) {
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
        if let Ok(snapshot) = Snapshot::decode(&value) {
            let again = Snapshot::decode(&snapshot.encode()).map(|read| read.encode());
            prop_assert_eq!(again, Ok(snapshot.encode()));
            fold_on(snapshot.resume(), &value);
        }
        fold_on(Fold::new(JOURNAL, PARTITION), &value);
        fold_on(common::folded(PARTITION, &[rules_record(&rules())]), &value);
    }

    #[test]
    fn changed_rules_are_other_rules_or_unknown_never_passed_over(
        changes in vec(any_change(), 1..4),
    ) {
        let value = changed(GOLDEN_RULES, &changes);
        prop_assume!(value != golden(GOLDEN_RULES) && Record::is_rules(&value));
        match Record::decode(&value) {
            Ok(Record::Rules(read)) => prop_assert_ne!(read, rules()),
            Ok(Record::Batch(_) | Record::Close(_)) => prop_assert!(false, "not what it says"),
            Err(error) => prop_assert_eq!(error, RecordError::Unknown),
        }
    }
}
