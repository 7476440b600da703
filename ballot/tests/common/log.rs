//! Random logs of one partition: everything the fold may meet, in any order, often enough for every
//! outcome to be seen.
//!
//! A step is a wish; what it becomes depends on the rules in force where it stands, which the model
//! knows.

use ballot::{Ballot, Close, Day, JournalId, Rules};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::common::{DAY_MS, OPENS_MS, PARTITION, batch, day, rules, rules_record, voter};
use crate::model::{Event, Model};

/// A record of the log and what was meant by it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) value: Bytes,
    pub(crate) timestamp_ms: i64,
    pub(crate) event: Event,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Ballots(Vec<Ballot>),
    Close { day: usize, instant_ms: i64, clock_ms: i64 },
    Rules(Change),
    Malformed { kind: u8, rest: Vec<u8>, timestamp_ms: i64 },
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Nothing,
    LastEnd(i64),
    AddDay,
    Grace(u64),
    Limits(u32, u32),
    FewerDays,
    FirstStart,
    MiddleEnd,
    Journal,
    Choices,
    Key,
    Campaign,
}

/// A ballot, valid more often than not: 12 voters of the partition and 2 of another, choices up to
/// one too many of 21, times from before the opening to a day after three days.
pub(crate) fn any_ballot() -> impl Strategy<Value = Ballot> {
    let choices = prop_oneof![
        8 => vec(1u32..=20, 1..=3),
        1 => vec(1u32..=21, 0..=5),
    ];
    let after_ms = prop_oneof![12 => 0..3 * DAY_MS, 1 => -DAY_MS / 2..4 * DAY_MS];
    (0u32..14, choices, after_ms).prop_map(|(number, choices, after_ms)| Ballot {
        voter: voter(if number < 12 { PARTITION } else { PARTITION + 1 }, number),
        choices: choices.into_iter().collect(),
        cast_at_ms: OPENS_MS + after_ms,
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Nothing),
        4 => (-400i64..400).prop_map(Change::LastEnd),
        3 => Just(Change::AddDay),
        2 => (0u64..300).prop_map(Change::Grace),
        2 => (1u32..=2, 2u32..=4).prop_map(|(min, max)| Change::Limits(min, max)),
        1 => Just(Change::FewerDays),
        1 => Just(Change::FirstStart),
        1 => Just(Change::MiddleEnd),
        1 => Just(Change::Journal),
        1 => Just(Change::Choices),
        1 => Just(Change::Key),
        1 => Just(Change::Campaign),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    // The campaign's close ends all that can be tested in a log, so it is rare.
    let day = prop_oneof![12 => 0usize..2, 1 => 2usize..4];
    let instant_ms = prop_oneof![5 => Just(0i64), 1 => -5i64..5];
    let clock_ms = prop_oneof![5 => 0i64..50, 1 => -50i64..0];
    let malformed = (2u8..=3, vec(any::<u8>(), 0..20), -DAY_MS..4 * DAY_MS);
    prop_oneof![
        12 => vec(any_ballot(), 1..8).prop_map(Step::Ballots),
        4 => (day, instant_ms, clock_ms).prop_map(|(day, instant_ms, clock_ms)| {
            Step::Close { day, instant_ms, clock_ms }
        }),
        3 => any_change().prop_map(Step::Rules),
        1 => malformed.prop_map(|(kind, rest, after_ms)| {
            Step::Malformed { kind, rest, timestamp_ms: OPENS_MS + after_ms }
        }),
    ]
}

/// A log that begins with [`rules`].
pub(crate) fn any_log() -> impl Strategy<Value = Vec<Entry>> {
    vec(any_step(), 0..40).prop_map(|steps| log(&steps))
}

fn log(steps: &[Step]) -> Vec<Entry> {
    let first = rules();
    let mut model = Model::new(PARTITION, first.clone());
    let value = rules_record(&first);
    let mut log = vec![Entry { value, timestamp_ms: OPENS_MS, event: Event::Rules(first) }];
    for step in steps {
        let entry = entry(step, &model.rules);
        model.apply(&entry.event);
        log.push(entry);
    }
    log
}

fn entry(step: &Step, rules: &Rules) -> Entry {
    match step {
        Step::Ballots(ballots) => Entry {
            value: batch(ballots),
            timestamp_ms: ballots.iter().map(|b| b.cast_at_ms).max().unwrap_or(OPENS_MS),
            event: Event::Ballots(ballots.clone()),
        },
        Step::Close { day: index, instant_ms, clock_ms } => {
            // Beyond the rules' days: a day that they do not have.
            let unknown = Day { day: day(13), start_ms: OPENS_MS, end_ms: OPENS_MS + DAY_MS };
            let day = rules.days.get(*index).copied().unwrap_or(unknown);
            let close = Close {
                day: day.day,
                instant_ms: day.end_ms + instant_ms,
                clock_ms: day.end_ms + rules.grace_ms.cast_signed() + clock_ms,
            };
            let value = ballot::Record::Close(close).encode();
            Entry { value, timestamp_ms: close.clock_ms, event: Event::Close(close) }
        }
        Step::Rules(change) => {
            let next = changed(rules, *change);
            let timestamp_ms = OPENS_MS;
            Entry { value: rules_record(&next), timestamp_ms, event: Event::Rules(next) }
        }
        Step::Malformed { kind, rest, timestamp_ms } => {
            // A field of 127 bytes of which there are fewer.
            let head = [&[8, 1, 16, *kind, 0x22, 127], rest.as_slice()].concat();
            Entry { value: head.into(), timestamp_ms: *timestamp_ms, event: Event::Malformed }
        }
    }
}

fn changed(rules: &Rules, change: Change) -> Rules {
    let mut next = rules.clone();
    let last = *rules.days.last().expect("rules have days");
    let count = rules.days.len();
    match change {
        Change::Nothing => {}
        Change::LastEnd(by_ms) => {
            next.days[count - 1].end_ms = (last.end_ms + by_ms).max(last.start_ms + 1);
        }
        Change::AddDay => {
            let index = u32::try_from(count).expect("few days");
            if index < 12 {
                let (start_ms, end_ms) = (last.end_ms, last.end_ms + DAY_MS);
                next.days.push(Day { day: day(index), start_ms, end_ms });
            }
        }
        Change::Grace(ms) => next.grace_ms = ms,
        Change::Limits(min, max) => {
            (next.choices_per_ballot_min, next.choices_per_ballot_max) = (min, max);
        }
        Change::FewerDays => next.days.truncate((count - 1).max(1)),
        Change::FirstStart => next.days[0].start_ms -= 50,
        Change::MiddleEnd => {
            next.days[0].end_ms += 50;
            next.days[1].start_ms += 50;
        }
        Change::Journal => next.journal = JournalId([9; 16]),
        Change::Choices => next.choices += 1,
        Change::Key => next.pseudonym_key = [9; 16],
        Change::Campaign => next.campaign.push('x'),
    }
    next
}
