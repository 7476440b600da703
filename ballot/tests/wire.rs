//! Wire: the hand-written messages against `proto/weir.proto`, both ways, and old and new readers
//! of each other's records.
//!
//! The `.proto` is what others read the journal with; nothing may be true of one and not the other.

mod common;
#[path = "common/proto.rs"]
mod proto;

use ballot::{Ballot, Batch, BatchBuilder, ChoiceSet, Close, Record, RecordError, Risk, Rules};
use bytes::Bytes;
use common::{
    OPENS_MS, PARTITION, ballot, batch, batch_of, close, day, day_span, rules, rules_record,
    valid_close, voter,
};
use prost_reflect::{DynamicMessage, Value};
use proto::{Proto, encode, field, inner, list};

fn three() -> Vec<Ballot> {
    vec![ballot(1, &[1, 20], 5), ballot(2, &[7], -3), ballot(3, &[2, 3, 4], 999)]
}
/// What a batch about which nothing was noticed has not.
const UNUSED: [&str; 3] = ["weir.v1.Record.rules", "weir.v1.Record.close", "weir.v1.Batch.risk"];
fn built(ballots: &[Ballot], words: usize) -> Batch {
    let mut builder = BatchBuilder::new(words);
    for ballot in ballots {
        builder.push(ballot);
    }
    builder.finish()
}

fn record(proto: &Proto, kind: i32, body: &str, message: DynamicMessage) -> DynamicMessage {
    let kind_value = Value::EnumNumber(kind);
    let fields =
        [("version", Value::U32(1)), ("kind", kind_value), (body, Value::Message(message))];
    proto.made("Record", &fields)
}

fn batch_message(proto: &Proto, ballots: &[Ballot], words: usize) -> DynamicMessage {
    let choices = ballots.iter().flat_map(|b| b.choices.words(words).to_vec());
    proto.made(
        "Batch",
        &[
            ("voter_high", list(ballots, |b| Value::U64(b.voter.high))),
            ("voter_low", list(ballots, |b| Value::U64(b.voter.low))),
            ("choices", list(choices, Value::U64)),
            ("cast_at_ms", list(ballots, |b| Value::I64(b.cast_at_ms))),
        ],
    )
}

fn rules_message(proto: &Proto, rules: &Rules) -> DynamicMessage {
    let day = |day: &ballot::Day| {
        let fields = [
            ("day", Value::U32(day.day.number())),
            ("start_ms", Value::I64(day.start_ms)),
            ("end_ms", Value::I64(day.end_ms)),
        ];
        Value::Message(proto.made("Day", &fields))
    };
    proto.made(
        "Rules",
        &[
            ("journal", proto::bytes(&rules.journal.0)),
            ("campaign", Value::String(rules.campaign.clone())),
            ("partitions", Value::U32(rules.partitions)),
            ("choices", Value::U32(rules.choices)),
            ("choices_per_ballot_min", Value::U32(rules.choices_per_ballot_min)),
            ("choices_per_ballot_max", Value::U32(rules.choices_per_ballot_max)),
            ("days", list(&rules.days, day)),
            ("grace_ms", Value::U64(rules.grace_ms)),
            ("fold_version", Value::U32(rules.fold_version)),
            ("pseudonym_key", proto::bytes(&rules.pseudonym_key)),
        ],
    )
}

fn close_message(proto: &Proto, close: &Close) -> DynamicMessage {
    let fields = [
        ("day", Value::U32(close.day.number())),
        ("instant_ms", Value::I64(close.instant_ms)),
        ("clock_ms", Value::I64(close.clock_ms)),
    ];
    proto.made("Close", &fields)
}

/// Both make the same bytes, each reads the other's, and no field is unknown or left out.
fn assert_same(proto: &Proto, theirs: &DynamicMessage, ours: &Record, unused: &[&str]) {
    let value = ours.encode();
    assert_eq!(proto.decode("Record", &value), *theirs);
    assert_eq!(encode(theirs), value);
    assert_eq!(Record::decode(&encode(theirs)).as_ref(), Ok(ours));
    assert_eq!(proto::gaps(theirs, unused), Vec::<String>::new());
}

#[test]
fn a_batch_is_the_same_to_the_proto_and_to_us() {
    let proto = Proto::checked_in();
    let theirs = record(&proto, 2, "batch", batch_message(&proto, &three(), 1));
    assert_same(&proto, &theirs, &Record::Batch(built(&three(), 1)), &UNUSED);
    let wide: Vec<Ballot> = vec![ballot(1, &[1, 64, 65, 100], 5), ballot(2, &[90], 6)];
    let theirs = record(&proto, 2, "batch", batch_message(&proto, &wide, 2));
    assert_same(&proto, &theirs, &Record::Batch(built(&wide, 2)), &UNUSED);
}

/// Three ballots with these signs in the column.
fn noted(proto: &Proto, signs: &[u32]) -> DynamicMessage {
    let mut message = batch_message(proto, &three(), 1);
    message.set_field_by_name("risk", list(signs.to_vec(), Value::U32));
    record(proto, 2, "batch", message)
}

#[test]
fn what_was_noticed_is_the_same_to_the_proto_and_to_us() {
    let proto = Proto::checked_in();
    let signs = [Risk::NONE, Risk::BURST | Risk::FRESH, Risk::NONE];
    let mut builder = BatchBuilder::new(1);
    let noted_at = |(ballot, risk): (&Ballot, Risk)| builder.push_noted(ballot, risk);
    assert_eq!(three().iter().zip(signs).map(noted_at).collect::<Vec<_>>(), [0, 1, 2]);
    let batch = builder.finish();
    assert_eq!(std::array::from_fn(|at| batch.risk(at)), signs);
    assert_same(&proto, &noted(&proto, &[0, 9, 0]), &Record::Batch(batch), &UNUSED[..2]);
}

#[test]
fn signs_that_do_not_fit_are_as_none_and_the_ballots_are_read_all_the_same() {
    let proto = Proto::checked_in();
    for signs in [&[1, 1][..], &[1, 1, 1, 1], &[1, 128, 1], &[300, 1]] {
        let value = encode(&noted(&proto, signs));
        assert_eq!(Record::decode(&value), Ok(Record::Batch(built(&three(), 1))), "{signs:?}");
    }
}

#[test]
fn a_batch_of_extreme_values_is_the_same_to_the_proto_and_to_us() {
    let proto = Proto::checked_in();
    let all = ChoiceSet::from_words(&[u64::MAX; 4]).unwrap();
    let extreme = |high, cast_at_ms| Ballot {
        voter: ballot::VoterId { high, low: !high },
        choices: all,
        cast_at_ms,
    };
    let ballots = [extreme(0, i64::MIN), extreme(u64::MAX, i64::MAX), extreme(1 << 63, -1)];
    let theirs = record(&proto, 2, "batch", batch_message(&proto, &ballots, 4));
    assert_same(&proto, &theirs, &Record::Batch(built(&ballots, 4)), &UNUSED);
}

#[test]
fn rules_are_the_same_to_the_proto_and_to_us() {
    let proto = Proto::checked_in();
    let theirs = record(&proto, 1, "rules", rules_message(&proto, &rules()));
    let unused = ["weir.v1.Record.batch", "weir.v1.Record.close"];
    assert_same(&proto, &theirs, &Record::Rules(rules()), &unused);
}

#[test]
fn a_close_is_the_same_to_the_proto_and_to_us() {
    let proto = Proto::checked_in();
    let close = valid_close(&day_span(1));
    let theirs = record(&proto, 3, "close", close_message(&proto, &close));
    let unused = ["weir.v1.Record.batch", "weir.v1.Record.rules"];
    assert_same(&proto, &theirs, &Record::Close(close), &unused);
}

/// The `.proto` of a later release, with a column, a field of rules and one of snapshots.
fn newer() -> Proto {
    let mut text = proto::TEXT.to_owned();
    for (after, added) in [
        ("message Batch {", "repeated uint32 region = 6;"),
        ("message Rules {", "uint32 weight = 11;"),
        ("message Snapshot {", "string built_by = 11;"),
    ] {
        assert_eq!(text.matches(after).count(), 1, "{after}");
        text = text.replace(after, &format!("{after}\n  {added}"));
    }
    Proto::compile(&text)
}

#[test]
fn an_old_reader_reads_a_batch_with_a_new_column() {
    let newer = newer();
    let mut message = batch_message(&newer, &three(), 1);
    message.set_field_by_name("region", list([3, 300, 70_000], Value::U32));
    let value = encode(&record(&newer, 2, "batch", message));
    assert_eq!(Record::decode(&value), Ok(Record::Batch(built(&three(), 1))));
    assert_ne!(value, batch(&three()));
}

#[test]
fn a_new_reader_reads_an_old_batch_with_an_empty_column() {
    let newer = newer();
    let message = inner(&newer.decode("Record", &batch(&three())), "batch");
    assert_eq!(field(&message, "region"), Value::List(Vec::new()));
    assert_eq!(message, batch_message(&newer, &three(), 1));
}

#[test]
fn rules_with_a_field_not_known_here_are_unknown() {
    let newer = newer();
    let mut message = rules_message(&newer, &rules());
    let plain = encode(&record(&newer, 1, "rules", message.clone()));
    assert_eq!(Record::decode(&plain), Ok(Record::Rules(rules())));
    message.set_field_by_name("weight", Value::U32(2));
    let value = encode(&record(&newer, 1, "rules", message));
    assert_eq!(Record::decode(&value), Err(RecordError::Unknown));
}

#[test]
fn rules_not_in_canonical_bytes_are_unknown() {
    let value = rules_record(&rules());
    let longer = [&value[..], &[0x28, 0x00]].concat();
    let halves = [&value[..], &[0x1a, 0x00]].concat();
    for value in [longer, halves, value[..value.len() - 1].to_vec()] {
        assert_eq!(Record::decode(&value.into()), Err(RecordError::Unknown));
    }
}

#[test]
fn unknown_kinds_and_versions_are_unknown() {
    let proto = Proto::checked_in();
    let made = |version, kind| {
        let message = Value::Message(batch_message(&proto, &three(), 1));
        let kind = Value::EnumNumber(kind);
        let fields = [("version", Value::U32(version)), ("kind", kind), ("batch", message)];
        Record::decode(&encode(&proto.made("Record", &fields)))
    };
    assert_eq!(made(1, 2), Ok(Record::Batch(built(&three(), 1))));
    for (version, kind) in [(1, 4), (1, 0), (1, 127), (1, 130), (2, 2), (0, 2), (129, 2), (2, 9)] {
        assert_eq!(made(version, kind), Err(RecordError::Unknown), "{version} {kind}");
    }
    assert_eq!(Record::decode(&Bytes::new()), Err(RecordError::Unknown));
}

#[test]
fn a_header_that_the_rest_contradicts_is_malformed() {
    let value = batch(&three());
    for tail in [[0x08, 2], [0x10, 3]] {
        let value = [&value[..], &tail].concat();
        assert_eq!(Record::decode(&value.into()), Err(RecordError::Malformed), "{tail:?}");
    }
}

#[test]
fn a_record_cut_short_anywhere_is_never_taken_for_another() {
    let wide: Vec<Ballot> = (0..5).map(|n| ballot(n, &[n + 1, 100 - n], 7)).collect();
    for value in [batch(&three()), batch_of(100, &wide), close(1), rules_record(&rules())] {
        for length in 0..value.len() {
            let cut = value.slice(..length);
            let expected = match (length, Record::is_rules(&value)) {
                (..4, _) | (_, true) => RecordError::Unknown,
                (4.., false) => RecordError::Malformed,
            };
            assert_eq!(Record::decode(&cut), Err(expected), "{length} of {}", value.len());
        }
    }
}

/// To a protobuf reader, columns in pieces are one column; what we would count must be the same.
#[test]
fn a_column_in_pieces_is_refused_not_misread() {
    let proto = Proto::checked_in();
    let value = batch(&three());
    let body = &value[4..];
    let twice = Bytes::from([&value[..4], body, body].concat());
    let seen = inner(&proto.decode("Record", &twice), "batch");
    assert_eq!(field(&seen, "voter_low").as_list().map(<[Value]>::len), Some(6));
    assert_eq!(Record::decode(&twice), Err(RecordError::Malformed));
}

#[test]
fn columns_that_do_not_fit_each_other_are_malformed() {
    let proto = Proto::checked_in();
    let full = [("voter_high", 2), ("voter_low", 2), ("choices", 4), ("cast_at_ms", 2)];
    let made = |lengths: [(&str, u64); 4]| {
        let fields = lengths.map(|(name, length)| match name {
            "cast_at_ms" => (name, list(0..length, |_| Value::I64(OPENS_MS))),
            _ => (name, list(0..length, |_| Value::U64(voter(PARTITION, 1).high))),
        });
        Record::decode(&encode(&record(&proto, 2, "batch", proto.made("Batch", &fields))))
    };
    assert!(made(full).is_ok());
    for (column, wrong) in [(0, 0), (0, 1), (1, 3), (2, 0), (2, 1), (2, 3), (2, 10), (3, 1)] {
        let mut lengths = full;
        lengths[column].1 = wrong;
        assert_eq!(made(lengths), Err(RecordError::Malformed), "{lengths:?}");
    }
    let none = full.map(|(name, _)| (name, 0));
    assert_eq!(made(none), Err(RecordError::Malformed));
}

#[test]
fn a_close_of_no_date_is_malformed() {
    let proto = Proto::checked_in();
    let mut message = close_message(&proto, &valid_close(&day_span(0)));
    for (number, known) in [(day(0).number(), true), (20_231_318, false), (0, false)] {
        message.set_field_by_name("day", Value::U32(number));
        let value = encode(&record(&proto, 3, "close", message.clone()));
        assert_eq!(Record::decode(&value).is_ok(), known, "{number}");
    }
}
