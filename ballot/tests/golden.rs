//! Golden: the bytes of each kind of value, checked in. They are what a log in use holds, so the
//! encoder must make them for ever and the decoder read them.
//!
//! A file that no longer matches means that old logs are not read as they were written: the fault
//! is in the code, not in the file. Only a new kind of value has a new file.

mod common;

use ballot::{Ballot, Record, Snapshot};
use bytes::Bytes;
use common::{
    GOLDEN_BATCH, GOLDEN_BATCH_WIDE, GOLDEN_CLOSE, GOLDEN_RULES, GOLDEN_SNAPSHOT, PARTITION,
    ballot, batch, batch_of, close, folded, golden, rules, rules_record,
};

/// Compares, and shows the whole file as it would have to be.
fn assert_golden(file: &str, text: &str, value: &Bytes) {
    let lines = value.chunks(32).map(|line| ballot::hex(line) + "\n").collect::<String>();
    assert!(golden(text) == *value, "tests/golden/{file} is not what is encoded now:\n{lines}");
}

fn three() -> Vec<Ballot> {
    vec![ballot(1, &[1, 20], 5), ballot(2, &[7], 1_000), ballot(3, &[2, 3, 4], 2_999)]
}

#[test]
fn a_rules_record_is_encoded_and_read_as_ever() {
    assert_golden("rules.hex", GOLDEN_RULES, &rules_record(&rules()));
    assert_eq!(Record::decode(&golden(GOLDEN_RULES)), Ok(Record::Rules(rules())));
}

#[test]
fn a_batch_is_encoded_and_read_as_ever() {
    assert_golden("batch.hex", GOLDEN_BATCH, &batch(&three()));
    let Ok(Record::Batch(read)) = Record::decode(&golden(GOLDEN_BATCH)) else {
        panic!("the golden batch is a batch")
    };
    assert_eq!(read.ballots().collect::<Vec<_>>(), three());
}

#[test]
fn a_batch_of_two_words_a_ballot_is_encoded_and_read_as_ever() {
    let wide = [ballot(1, &[1, 64, 65, 100], 5), ballot(2, &[100], 6)];
    assert_golden("batch_wide.hex", GOLDEN_BATCH_WIDE, &batch_of(100, &wide));
    let Ok(Record::Batch(read)) = Record::decode(&golden(GOLDEN_BATCH_WIDE)) else {
        panic!("the golden batch is a batch")
    };
    assert_eq!(read.ballots().collect::<Vec<_>>(), wide);
}

#[test]
fn a_close_record_is_encoded_and_read_as_ever() {
    assert_golden("close.hex", GOLDEN_CLOSE, &close(0));
    let read = Record::decode(&golden(GOLDEN_CLOSE)).map(|record| record.encode());
    assert_eq!(read, Ok(close(0)));
}

/// Every outcome, a closed day and two rules records: no field of the snapshot is empty.
#[test]
fn a_snapshot_is_encoded_and_read_as_ever() {
    let mut extended = rules();
    extended.days.push(common::day_span(3));
    let mut mixed = three();
    mixed.extend([ballot(1, &[5], 6), ballot(4, &[], 7), ballot(4, &[1], -1)]);
    mixed.push(Ballot { voter: common::voter(2, 9), ..three()[0] });
    let log = [
        rules_record(&rules()),
        batch(&mixed),
        close(0),
        batch(&three()),
        close(0),
        Bytes::from_static(&[8, 1, 16, 2]),
        rules_record(&extended),
    ];
    let snapshot = folded(PARTITION, &log).snapshot();
    assert_golden("snapshot.hex", GOLDEN_SNAPSHOT, &snapshot.encode());
    let read = Snapshot::decode(&golden(GOLDEN_SNAPSHOT)).unwrap();
    assert_eq!(read.encode(), snapshot.encode());
    assert_eq!(read.fold().outcomes(), snapshot.fold().outcomes());
    assert_eq!(read.head(), snapshot.head());
}
