//! Snapshot: its message against `proto/weir.proto`, later releases of it, and what is refused
//! because no fold could have published it.
//!
//! A process resumes from a snapshot without seeing the records again, so one that does not fit
//! together must not be believed.

mod common;
#[path = "common/proto.rs"]
mod proto;

use ballot::{JournalId, NotASnapshot, Snapshot};
use bytes::Bytes;
use common::{
    GOLDEN_SNAPSHOT, JOURNAL, PARTITION, day, folded, golden, rules, rules_record, voters,
};
use prost_reflect::{DynamicMessage, Value};
use proto::{Proto, encode, field, inner, list};

fn decoded() -> Snapshot {
    Snapshot::decode(&golden(GOLDEN_SNAPSHOT)).expect("the golden snapshot is one")
}

fn message() -> DynamicMessage {
    Proto::checked_in().decode("Snapshot", &golden(GOLDEN_SNAPSHOT))
}

#[test]
fn a_snapshot_says_the_same_to_the_proto_and_to_us() {
    let message = message();
    let late_of_open_days = ["weir.v1.DayTally.late", "weir.v1.DayTally.duplicates"];
    let other = ["weir.v1.DayTally.ballots", "weir.v1.RulesAt.offset"];
    let unused = [late_of_open_days, other].concat();
    assert_eq!(proto::gaps(&message, &unused), Vec::<String>::new());
    assert_eq!(encode(&message), golden(GOLDEN_SNAPSHOT));

    let snapshot = decoded();
    let fold = snapshot.fold();
    assert_eq!(field(&message, "version"), Value::U32(1));
    assert_eq!(field(&message, "journal"), proto::bytes(&JOURNAL.0));
    assert_eq!(field(&message, "partition"), Value::U32(PARTITION));
    assert_eq!(field(&message, "frontier"), Value::U64(snapshot.frontier()));
    let hash = fold.rules().unwrap().hash();
    assert_eq!(field(&message, "rules_hash"), proto::bytes(&hash));
    let closed = list(snapshot.closed(), |day| Value::U32(day.number()));
    assert_eq!(field(&message, "closed_days"), closed);
    assert_eq!(field(&message, "digest_edge").as_list().map(<[Value]>::len), Some(3));
}

#[test]
fn the_counts_of_a_snapshot_are_the_same_to_the_proto_and_to_us() {
    let (message, snapshot) = (message(), decoded());
    let outcomes = inner(&message, "outcomes");
    let ours = snapshot.fold().outcomes();
    for (name, count) in [
        ("counted", ours.counted),
        ("duplicate", ours.duplicate),
        ("late", ours.late),
        ("outside", ours.outside),
        ("invalid", ours.invalid),
        ("malformed", ours.malformed),
        ("misrouted", ours.misrouted),
        ("ignored", ours.ignored),
    ] {
        assert_eq!(field(&outcomes, name), Value::U64(count), "{name}");
    }
    let days = field(&message, "days");
    let days: Vec<_> = days.as_list().unwrap().iter().filter_map(Value::as_message).collect();
    assert_eq!(days.len(), 4);
    for (theirs, (day, ours)) in days.into_iter().zip(snapshot.fold().days()) {
        assert_eq!(field(theirs, "day"), Value::U32(day.number()));
        assert_eq!(field(theirs, "ballots"), Value::U64(ours.ballots));
        assert_eq!(field(theirs, "duplicates"), Value::U64(ours.duplicates));
        assert_eq!(field(theirs, "late"), Value::U64(ours.late));
        assert_eq!(field(theirs, "votes"), list(&ours.votes, |n| Value::U64(*n)));
    }
    let at = field(&message, "rules");
    let at: Vec<_> = at.as_list().unwrap().iter().filter_map(Value::as_message).collect();
    assert_eq!(at.len(), 2);
    for (theirs, (offset, ours)) in at.into_iter().zip(snapshot.rules()) {
        assert_eq!(field(theirs, "offset"), Value::U64(*offset));
        assert_eq!(field(theirs, "record"), proto::bytes(&rules_record(ours)));
    }
}

#[test]
fn a_snapshot_with_a_field_of_a_later_release_is_read() {
    let text =
        proto::TEXT.replace("message Snapshot {", "message Snapshot {\n  string built_by = 11;");
    let mut later = Proto::compile(&text).decode("Snapshot", &golden(GOLDEN_SNAPSHOT));
    later.set_field_by_name("built_by", Value::String("a later release".into()));
    let read = Snapshot::decode(&encode(&later)).unwrap();
    assert_eq!(read.encode(), golden(GOLDEN_SNAPSHOT));
}

#[test]
fn the_fold_of_nothing_has_a_snapshot_too() {
    let snapshot = ballot::Fold::new(JOURNAL, PARTITION).snapshot();
    let read = Snapshot::decode(&snapshot.encode()).unwrap();
    assert_eq!(read.frontier(), 0);
    let mut fold = read.resume();
    assert!(fold.apply(0, &rules_record(&rules()), &mut voters()).is_ok());
}

#[test]
fn a_heartbeat_and_any_part_of_a_snapshot_are_none() {
    let value = golden(GOLDEN_SNAPSHOT);
    for length in 0..value.len() {
        assert!(Snapshot::decode(&value.slice(..length)).is_err(), "{length}");
    }
}

/// What a change of one field makes of the golden snapshot.
fn with(name: &str, value: Value) -> Result<Snapshot, NotASnapshot> {
    let mut message = message();
    message.set_field_by_name(name, value);
    Snapshot::decode(&encode(&message))
}

fn edited(name: &str, index: usize, inner: &str, value: Value) -> Result<Snapshot, NotASnapshot> {
    let mut list = field(&message(), name);
    let items = list.as_list_mut().expect("a list");
    let item = items[index].as_message_mut().expect("a message");
    item.set_field_by_name(inner, value);
    with(name, list)
}

#[test]
fn a_snapshot_whose_rules_do_not_lead_to_it_is_refused() {
    assert!(with("partition", Value::U32(2)).is_ok());
    assert!(with("version", Value::U32(2)).is_err());
    assert!(with("partition", Value::U32(4)).is_err());
    assert!(with("journal", proto::bytes(&[7; 16])).is_err());
    assert!(with("rules_hash", proto::bytes(&[7; 32])).is_err());
    assert!(with("rules", Value::List(Vec::new())).is_err());
    assert!(edited("rules", 0, "offset", Value::U64(1)).is_err());
    assert!(edited("rules", 1, "offset", Value::U64(0)).is_err());
    assert!(edited("rules", 1, "offset", Value::U64(7)).is_err());

    let mut other = rules();
    other.journal = JournalId([7; 16]);
    assert!(edited("rules", 0, "record", proto::bytes(&rules_record(&other))).is_err());
    other = rules();
    other.days[0].start_ms -= 1;
    assert!(edited("rules", 0, "record", proto::bytes(&rules_record(&other))).is_err());
}

#[test]
fn a_snapshot_of_another_fold_version_is_refused() {
    let mut other = rules();
    other.fold_version += 1;
    let mut message = Proto::checked_in()
        .decode("Snapshot", &folded(PARTITION, &[rules_record(&rules())]).snapshot().encode());
    assert!(Snapshot::decode(&encode(&message)).is_ok());
    let at =
        Proto::checked_in().made("RulesAt", &[("record", proto::bytes(&rules_record(&other)))]);
    message.set_field_by_name("rules", Value::List(vec![Value::Message(at)]));
    message.set_field_by_name("rules_hash", proto::bytes(&other.hash()));
    assert!(Snapshot::decode(&encode(&message)).is_err());
}

#[test]
fn a_snapshot_whose_counts_do_not_add_up_is_refused() {
    let four = |number| list([number; 20], Value::U64);
    assert!(edited("days", 3, "votes", list([0; 19], Value::U64)).is_err());
    assert!(edited("days", 3, "votes", list([0; 20], Value::U64)).is_ok());
    assert!(edited("days", 3, "votes", four(1)).is_err());
    assert!(edited("days", 0, "ballots", Value::U64(9)).is_err());
    assert!(edited("days", 0, "duplicates", Value::U64(u64::MAX)).is_err());
    assert!(edited("days", 0, "late", Value::U64(9)).is_err());
    assert!(edited("days", 0, "day", Value::U32(day(9).number())).is_err());
    let days = field(&message(), "days").as_list().unwrap().to_vec();
    assert!(with("days", Value::List(days[..3].to_vec())).is_err());
    assert!(with("days", Value::List([days.clone(), days].concat())).is_err());

    let mut outcomes = inner(&message(), "outcomes");
    outcomes.set_field_by_name("ignored", Value::U64(u64::MAX));
    assert!(with("outcomes", Value::Message(outcomes)).is_err());
}

#[test]
fn a_snapshot_with_a_wrong_frontier_or_a_closed_day_of_no_rules_is_refused() {
    assert!(with("closed_days", list([day(0).number(), day(1).number()], Value::U32)).is_ok());
    assert!(with("closed_days", list([day(9).number()], Value::U32)).is_err());
    assert!(with("frontier", Value::U64(6)).is_err());
    let edge = list([[1u8; 32]; 3], |hash| Value::Bytes(Bytes::copy_from_slice(&hash)));
    assert!(with("digest_edge", edge).is_ok());
    let edge = |count: usize| list(vec![[1u8; 32]; count], |hash| proto::bytes(&hash));
    assert!(with("digest_edge", edge(2)).is_err());
    let mut message = message();
    message.set_field_by_name("frontier", Value::U64(u64::MAX));
    message.set_field_by_name("digest_edge", edge(64));
    assert!(Snapshot::decode(&encode(&message)).is_err());
}
