//! Rules: their one form in bytes, what they say of an instant and a ballot, how two differ, and
//! which may follow which.

mod common;

use ballot::{
    Ballot, CHOICES_MAX, ChoiceSet, DAYS_MAX, Day, JournalId, PARTITIONS_MAX, Record, RecordError,
    Rules, Verdict,
};
use common::{DAY_MS, OPENS_MS, PARTITION, ballot, day, day_span, rules, rules_record, voter};

type Change = fn(&mut Rules);

fn with(change: impl FnOnce(&mut Rules)) -> Rules {
    let mut rules = rules();
    change(&mut rules);
    rules
}

#[test]
fn rules_have_one_form_in_bytes_and_its_hash_is_theirs() {
    let value = rules_record(&rules());
    assert_eq!(Record::decode(&value), Ok(Record::Rules(rules())));
    assert_eq!(rules().hash(), *blake3::hash(&value).as_bytes());
    assert_ne!(with(|r| r.grace_ms += 1).hash(), rules().hash());
    assert!(Record::is_rules(&value));
    assert!(!Record::is_rules(&common::close(0)) && !Record::is_rules(&value[..3]));
}

#[test]
fn inconsistent_rules_are_not_read() {
    let limits: [Change; 4] = [
        |r| r.partitions = PARTITIONS_MAX,
        |r| r.choices = u32::try_from(CHOICES_MAX).unwrap(),
        |r| r.choices_per_ballot_max = 20,
        |r| r.days.truncate(1),
    ];
    for change in limits {
        assert_eq!(Record::decode(&rules_record(&with(change))), Ok(Record::Rules(with(change))));
    }
    let wrong: [Change; 14] = [
        |r| r.partitions = 0,
        |r| r.partitions = PARTITIONS_MAX + 1,
        |r| r.choices = 0,
        |r| r.choices = u32::try_from(CHOICES_MAX).unwrap() + 1,
        |r| r.choices_per_ballot_min = 0,
        |r| r.choices_per_ballot_min = 4,
        |r| r.choices_per_ballot_max = 21,
        |r| r.days.clear(),
        |r| r.days[1].start_ms += 1,
        |r| r.days[1].end_ms -= 1,
        |r| r.days[1].day = r.days[0].day,
        |r| r.days.swap(0, 1),
        |r| r.days[2].end_ms = r.days[2].start_ms,
        |r| r.days = vec![r.days[0]; DAYS_MAX + 1],
    ];
    for (index, change) in wrong.into_iter().enumerate() {
        let rules = with(change);
        assert!(!rules.is_consistent(), "{index}");
        assert_eq!(Record::decode(&rules_record(&rules)), Err(RecordError::Unknown), "{index}");
    }
}

#[test]
fn an_instant_is_of_the_day_that_has_begun_and_not_ended() {
    let at = |after_ms| rules().day_at(OPENS_MS + after_ms).map(|day| day.day);
    assert_eq!([at(-1), at(3 * DAY_MS), at(i64::MAX - OPENS_MS)], [None; 3]);
    assert_eq!(rules().day_at(i64::MIN), None);
    for index in 0..3u32 {
        let start = i64::from(index) * DAY_MS;
        assert_eq!([at(start), at(start + DAY_MS - 1)], [Some(day(index)); 2]);
    }
    assert_eq!((rules().opens_at_ms(), rules().closes_at_ms()), (OPENS_MS, OPENS_MS + 3 * DAY_MS));
    assert_eq!(rules().closable_at_ms(&day_span(0)), OPENS_MS + DAY_MS + 100);
    let never = with(|r| r.grace_ms = u64::MAX);
    assert_eq!(never.closable_at_ms(&day_span(0)), i64::MAX);
}

#[test]
fn a_ballot_is_judged_by_place_then_time_then_choices() {
    let judge = |ballot: &Ballot| rules().judge(PARTITION, ballot);
    let valid = ballot(1, &[1, 2, 20], 0);
    assert_eq!(judge(&valid), Verdict::Valid(day(0)));
    let elsewhere = Ballot { voter: voter(PARTITION + 1, 1), ..ballot(1, &[], -1) };
    assert_eq!(judge(&elsewhere), Verdict::Misrouted);
    assert_eq!(judge(&ballot(1, &[], -1)), Verdict::Outside);
    for choices in [&[][..], &[1, 2, 3, 4], &[21]] {
        assert_eq!(judge(&ballot(1, choices, 0)), Verdict::Invalid, "{choices:?}");
    }
    assert!(rules().allows(&ChoiceSet::from_iter([20])));
}

#[test]
fn a_difference_is_named_with_both_sides() {
    assert_eq!(rules().difference(&rules()), None);
    let changes: [(&str, Change); 12] = [
        ("journal", |r| r.journal = JournalId([7; 16])),
        ("campaign", |r| r.campaign = "summer".into()),
        ("partitions", |r| r.partitions = 8),
        ("choices", |r| r.choices = 21),
        ("choices_per_ballot_min", |r| r.choices_per_ballot_min = 2),
        ("choices_per_ballot_max", |r| r.choices_per_ballot_max = 4),
        ("opens_at, closes_at or zone", |r| r.days[0].start_ms -= 1),
        ("opens_at, closes_at or zone", |r| r.days[2].end_ms += 1),
        ("opens_at, closes_at or zone", |r| r.days[2].day = day(9)),
        ("grace_seconds", |r| r.grace_ms += 1),
        ("fold version", |r| r.fold_version = 2),
        ("pseudonym key", |r| r.pseudonym_key[15] ^= 1),
    ];
    for (field, change) in changes {
        let other = with(change);
        let difference = rules().difference(&other).expect(field);
        assert_eq!(difference.field, field);
        assert_ne!(difference.ours, difference.theirs);
        let back = other.difference(&rules()).expect(field);
        assert_eq!((back.ours, back.theirs), (difference.theirs, difference.ours));
    }
    let shown = rules().difference(&with(|r| r.partitions = 8)).unwrap().to_string();
    assert_eq!(shown, "partitions differs: configured is 4, the log has 8");
}

#[test]
fn rules_may_become_longer_and_wider() {
    let changes: [Change; 6] = [
        |_| {},
        |r| r.days[2].end_ms += DAY_MS,
        |r| r.days.extend([day_span(3), day_span(4)]),
        |r| {
            // The last day becomes a whole one before another follows.
            r.days[2].end_ms += 500;
            let start_ms = r.days[2].end_ms;
            r.days.push(Day { day: day(3), start_ms, end_ms: start_ms + 1 });
        },
        |r| r.grace_ms += 1,
        |r| r.choices_per_ballot_max = 20,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert!(rules().may_become(&with(change)), "{index}");
    }
}

#[test]
fn rules_may_not_become_narrower_nor_anothers_nor_start_otherwise() {
    let changes: [Change; 15] = [
        |r| r.days[2].end_ms -= 1,
        |r| r.grace_ms -= 1,
        |r| r.choices_per_ballot_min = 2,
        |r| r.choices_per_ballot_max = 2,
        |r| r.journal = JournalId([7; 16]),
        |r| r.campaign = "summer".into(),
        |r| r.partitions = 8,
        |r| r.choices = 21,
        |r| r.fold_version = 2,
        |r| r.pseudonym_key[0] ^= 1,
        |r| r.days[0].start_ms -= 1,
        |r| r.days[2].day = day(9),
        |r| r.days.truncate(2),
        |r| r.days = r.days.split_off(1),
        |r| {
            r.days[0].end_ms += 1;
            r.days[1].start_ms += 1;
        },
    ];
    for (index, change) in changes.into_iter().enumerate() {
        assert!(!rules().may_become(&with(change)), "{index}");
    }
}
