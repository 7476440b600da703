//! A small sound story of ten voters, and what the proof says when one thing in it is changed.

use ballot::{
    BatchBuilder, Campaign, ChoiceSet, Close, Fold, JournalId, Receipt, Rules, TallyDocument,
    VoterMap, words_for,
};
use journal::Record;
use serde_json::Value;

use crate::kit::{DAY_MS, campaign};
use crate::storm::{Fate, Notes, Population, Proof, Summary};

const PARTITIONS: u32 = 2;
const VOTERS: u32 = 10;
const JOURNAL: JournalId = JournalId([9; 16]);

/// Everything a proof looks at.
struct Story {
    population: Population,
    rules: Rules,
    records: Vec<Vec<Record>>,
    notes: Notes,
    document: Value,
}

fn set(numbers: &[u32]) -> ChoiceSet {
    numbers.iter().copied().collect()
}

impl Story {
    /// Ten voters vote for choice 1, acknowledged; then voter 0 for choice 2, acknowledged by
    /// another edge, and voter 1 for choice 2, refused.
    fn new() -> Self {
        let text = campaign(-1, 2);
        let population = Population::new(&text, VOTERS);
        let rules = population.rules(JOURNAL, PARTITIONS);
        let notes = Notes::default();
        let mut story =
            Self { population, rules, records: Vec::new(), notes, document: Value::Null };
        let first = ballot::Record::Rules(story.rules.clone());
        story.records = vec![Vec::new(); PARTITIONS as usize];
        (0..PARTITIONS).for_each(|partition| story.append(partition, &first));
        for voter in 0..VOTERS {
            story.vote(voter, &[1]);
        }
        story.vote(0, &[2]);
        story.notes.attempt(1, set(&[2]), Fate::Refused(409));
        story.count();
        story
    }

    /// A time on the second day, whatever the time is.
    fn now_ms(&self) -> i64 {
        self.rules.days[1].start_ms + 1
    }

    fn append(&mut self, partition: u32, record: &ballot::Record) {
        let records = &mut self.records[partition as usize];
        let offset = records.len() as u64;
        records.push(Record { offset, timestamp_ms: 0, value: record.encode() });
    }

    /// A ballot in the log, alone in its record; its place.
    fn cast(&mut self, voter: u32, choices: &[u32], at_ms: i64) -> Receipt {
        let id = self.population.voter(voter);
        let mut batch = BatchBuilder::new(words_for(self.rules.choices));
        batch.push(&ballot::Ballot { voter: id, choices: set(choices), cast_at_ms: at_ms });
        let partition = id.partition(PARTITIONS);
        let offset = self.records[partition as usize].len() as u64;
        self.append(partition, &ballot::Record::Batch(batch.finish()));
        Receipt { partition, offset, index: 0 }
    }

    /// A ballot in the log and its acknowledgement.
    fn vote(&mut self, voter: u32, choices: &[u32]) {
        let at_ms = self.now_ms();
        let receipt = self.cast(voter, choices, at_ms);
        let day = self.rules.day_at(at_ms).unwrap().day;
        self.notes.attempt(voter, set(choices), Fate::Acknowledged { receipt, day });
    }

    /// Makes the document of the log as it is.
    fn count(&mut self) {
        let folded = (0..).zip(&self.records).map(|(partition, records)| {
            let (mut fold, mut voters) = (Fold::new(JOURNAL, partition), VoterMap::new(100));
            for record in records {
                fold.apply(record.offset, &record.value, &mut voters).unwrap();
            }
            fold.snapshot()
        });
        let folded: Vec<_> = folded.collect();
        let document = TallyDocument::of(&folded.iter().collect::<Vec<_>>()).unwrap();
        self.document = serde_json::from_slice(&document.to_json()).unwrap();
    }

    fn check(&self) -> Result<Summary, String> {
        let Self { population, rules, records, notes, document } = self;
        Proof { population, rules, records, notes, document }.check()
    }

    /// Every one of these must be told.
    fn assert_told(&self, sentences: &[&str]) {
        let told = self.check().expect_err("a doctored story");
        for sentence in sentences {
            assert!(told.contains(sentence), "{sentence} is not told:\n{told}");
        }
        assert_eq!(told.lines().count(), sentences.len(), "{told}");
    }
}

const RECEIPT: &str = "a receipt does not point at the ballot it is for";
const LOST: &str = "acknowledged, and no ballot counts";
const DOCUMENT: &str = "the tally document is not what the log says";
const TWICE: &str = "the tally document counts somebody twice, or nobody";

#[test]
fn a_sound_story_is_proved_and_its_figures_told() {
    let mut story = Story::new();
    let expected = Summary {
        voters: 10,
        acknowledged: 11,
        repeats: 2,
        counted: 10,
        duplicates: 1,
        ballots: 11,
        records: 13,
        batches: 11,
        ..Summary::default()
    };
    assert_eq!(story.check(), Ok(expected));
    // Doubt, in the log or not, is nothing wrong.
    story.notes.attempt(10, set(&[3]), Fate::InDoubt);
    story.notes.attempt(11, set(&[3]), Fate::InDoubt);
    story.cast(11, &[3], story.now_ms());
    story.count();
    let summary = story.check().unwrap();
    assert_eq!((summary.in_doubt, summary.in_doubt_counted), (2, 1));
    // Nor is a ballot that an edge's driver appended twice, but it is told.
    story.cast(11, &[3], story.now_ms());
    story.count();
    assert_eq!(story.check().unwrap().surplus, 1);
}

#[test]
fn a_lost_acknowledged_ballot_is_told_by_its_voter_and_receipt() {
    let mut story = Story::new();
    let voter = (1..VOTERS).next_back().unwrap();
    let partition = story.population.voter(voter).partition(PARTITIONS) as usize;
    let at = story.records[partition]
        .iter()
        .rposition(|record| match ballot::Record::decode(&record.value) {
            Ok(ballot::Record::Batch(batch)) => {
                batch.ballot(0).unwrap().voter == story.population.voter(voter)
            }
            Ok(ballot::Record::Rules(_) | ballot::Record::Close(_)) | Err(_) => false,
        })
        .unwrap();
    // As if it had been the last one before a leader was lost, and never there.
    story.records[partition].truncate(at);
    story.count();
    let told = story.check().unwrap_err();
    assert!(told.contains(&format!("voter {voter} has receipt {partition}-{at}-0: nothing")));
    assert!(told.contains(&format!("{LOST} (")) && told.contains(RECEIPT), "{told}");

    // A hole in the log is told too, and with it every receipt behind it still holds.
    let mut story = Story::new();
    let partition = story.population.voter(1).partition(PARTITIONS) as usize;
    story.records[partition].remove(1);
    let told = story.check().unwrap_err();
    assert!(told.contains("offset 2: the log goes on where 1 is expected"), "{told}");
}

#[test]
fn a_voter_counted_twice_in_the_document_is_told() {
    let mut story = Story::new();
    story.document["ballots"] = 11.into();
    story.document["votes"][1] = 1.into();
    story.document["days"][1]["ballots"] = 11.into();
    story.document["days"][1]["votes"][1] = 1.into();
    story.document["outcomes"]["counted"] = 11.into();
    story.document["outcomes"]["duplicate"] = 0.into();
    story.assert_told(&[TWICE, DOCUMENT]);
}

#[test]
fn a_wrong_count_of_one_choice_or_day_is_told_by_its_place() {
    let mut story = Story::new();
    story.document["days"][1]["votes"][0] = 9.into();
    story.assert_told(&["(1 times): days[1].votes[0] is 9, by the log 10"]);
    let mut story = Story::new();
    story.document["outcomes"]["duplicate"] = 2.into();
    story.document["partitions"][1]["digest"] = "00".into();
    story.assert_told(&["(2 times): outcomes.duplicate is 2, by the log 1; partitions[1].digest"]);
}

#[test]
fn a_ballot_nobody_sent_is_told() {
    let mut story = Story::new();
    story.cast(VOTERS, &[1], story.now_ms());
    story.count();
    story.assert_told(&["a ballot of nobody who voted (1 times)"]);

    let mut story = Story::new();
    story.cast(4, &[5], story.now_ms());
    story.count();
    story.assert_told(&["a ballot with choices that its voter never sent (1 times)"]);

    let mut story = Story::new();
    story.cast(1, &[2], story.now_ms());
    story.count();
    story.assert_told(&["a ballot whose every request was refused (1 times)"]);
}

#[test]
fn a_receipt_for_another_ballot_or_day_is_told() {
    let mut story = Story::new();
    let attempt = story.notes.voters[&3][0];
    story.notes.attempt(4, attempt.choices, attempt.fate);
    story.assert_told(&[RECEIPT]);

    let mut story = Story::new();
    let Fate::Acknowledged { receipt, day } = story.notes.voters[&3][0].fate else { panic!() };
    story.notes.attempt(3, set(&[4]), Fate::Acknowledged { receipt, day });
    story.assert_told(&["the ballot there chooses [1], and [4] was sent"]);

    let mut story = Story::new();
    let tomorrow = story.rules.day_at(story.now_ms() + DAY_MS).unwrap().day;
    let moved = Fate::Acknowledged { receipt, day: tomorrow };
    story.notes.attempt(3, set(&[1]), moved);
    story.assert_told(&[RECEIPT, &format!("{LOST} (1 times): voter 3 on {tomorrow}")]);
}

#[test]
fn days_end_where_their_close_is_and_not_before() {
    let mut story = Story::new();
    let yesterday = story.rules.days[0];
    let early = Close { day: yesterday.day, instant_ms: yesterday.end_ms, clock_ms: 0 };
    let close = Close { clock_ms: story.now_ms() + DAY_MS, ..early };
    // Voter 5 is in time by an early close, which holds for nobody; voter 6 is late.
    for partition in 0..PARTITIONS {
        story.append(partition, &ballot::Record::Close(early));
    }
    let told = |receipt| Fate::Acknowledged { receipt, day: yesterday.day };
    let receipt = story.cast(5, &[1, 3], yesterday.start_ms);
    story.notes.attempt(5, set(&[1, 3]), told(receipt));
    for _ in 0..2 {
        (0..PARTITIONS)
            .for_each(|partition| story.append(partition, &ballot::Record::Close(close)));
    }
    let receipt = story.cast(6, &[1, 3], yesterday.end_ms - 1);
    story.notes.attempt(6, set(&[1, 3]), told(receipt));
    story.count();
    let summary = story.check().unwrap();
    assert_eq!((summary.counted, summary.late, summary.acknowledged_late), (11, 1, 1));
    assert_eq!(story.document["days"][0]["closed"], true);

    // The campaign's close ends everything, for the document too.
    let last = *story.rules.days.last().unwrap();
    let clock_ms = last.end_ms + DAY_MS;
    let end = Close { day: last.day, instant_ms: last.end_ms, clock_ms };
    (0..PARTITIONS).for_each(|partition| story.append(partition, &ballot::Record::Close(end)));
    story.notes.attempt(7, set(&[1]), Fate::InDoubt);
    story.cast(7, &[1], story.now_ms());
    story.count();
    assert_eq!(story.document["final"], true);
    assert_eq!(story.check().unwrap().late, 2);
}

#[test]
fn the_model_follows_rules_that_are_extended() {
    let mut story = Story::new();
    let text = campaign(-1, 3);
    let longer = Rules::new(
        &Campaign::parse(&text).unwrap(),
        JOURNAL,
        PARTITIONS,
        story.rules.pseudonym_key,
    );
    let last = *longer.days.last().unwrap();
    for partition in [0, 0, 1] {
        story.append(partition, &ballot::Record::Rules(longer.clone()));
    }
    let receipt = story.cast(8, &[5], last.start_ms);
    story.notes.attempt(8, set(&[5]), Fate::Acknowledged { receipt, day: last.day });
    story.count();
    assert_eq!(story.check().unwrap().counted, 11);
    assert_eq!(story.document["outcomes"]["ignored"], 1);
}
