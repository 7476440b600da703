//! The proof: what voters were told, what the log holds and what the tally says are one story.
//!
//! Invariant: every kind of mismatch is looked for before any is told. Never here: a mismatch that
//! is explained away by what a test did to the processes.

use std::collections::{BTreeMap, BTreeSet};

use ballot::{ChoiceSet, Receipt, Rules, VoterId, VotingDay};
use journal::Record;
use serde_json::{Map, Value, json};

use super::model::{Found, Judged, Model};
use super::notes::{Attempt, Fate, Notes};
use super::population::Population;
use super::rfc6962::head_of_records;
use super::summary::Summary;

/// How many examples of each kind of mismatch are told.
const EXAMPLES_MAX: usize = 3;

/// All that a proof needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proof<'a> {
    /// Who could vote.
    pub(crate) population: &'a Population,
    /// What record 0 of each partition must say.
    pub(crate) rules: &'a Rules,
    /// Everything in the log.
    pub(crate) records: &'a [Vec<Record>],
    /// What the load sent and was told.
    pub(crate) notes: &'a Notes,
    /// The tally document of the whole log: served or recounted.
    pub(crate) document: &'a Value,
}

/// Mismatches, by kind.
#[derive(Debug, Default)]
struct Mismatches(BTreeMap<&'static str, Vec<String>>);

impl Mismatches {
    fn add(&mut self, kind: &'static str, example: String) {
        self.0.entry(kind).or_default().push(example);
    }
}

impl Proof<'_> {
    /// The figures, if everything holds.
    ///
    /// # Panics
    /// With up to three examples of each kind of mismatch.
    pub(crate) fn hold(&self) -> Summary {
        self.check().unwrap_or_else(|mismatches| panic!("{mismatches}"))
    }

    /// The same, with the mismatches as text.
    pub(crate) fn check(&self) -> Result<Summary, String> {
        let model = Model::of(self.records);
        let mut mismatches = Mismatches::default();
        model.faults.iter().for_each(|fault| mismatches.add("the log is broken", fault.clone()));
        for surprise in &self.notes.surprises {
            mismatches.add("an answer that no voter should get", surprise.clone());
        }
        for (partition, rules) in model.rules.iter().enumerate() {
            if rules.first() != Some(self.rules) {
                let example = format!("partition {partition} begins with {:?}", rules.first());
                mismatches.add("the log begins with other rules", example);
            }
        }
        let mut summary = Summary {
            voters: self.notes.voters.len() as u64,
            counted: model.counted.len() as u64,
            records: self.records.iter().map(|records| records.len() as u64).sum(),
            batches: model.ballots.iter().map(|batches| batches.len() as u64).sum(),
            ..Summary::default()
        };
        self.check_told(&model, &mut summary, &mut mismatches);
        self.check_ballots(&model, &mut summary, &mut mismatches);
        if self.document["ballots"].as_u64() > Some(summary.counted) {
            let example = format!(
                "it counts {}, and {} voters and days have a valid ballot in time",
                self.document["ballots"], summary.counted
            );
            mismatches.add("the tally document counts somebody twice, or nobody", example);
        }
        differences("", &self.expected(&model), self.document, &mut |difference| {
            mismatches.add("the tally document is not what the log says", difference);
        });
        let told = mismatches.0.iter().map(|(kind, examples)| {
            let some: Vec<&str> = examples.iter().take(EXAMPLES_MAX).map(String::as_str).collect();
            format!("{kind} ({} times): {}", examples.len(), some.join("; "))
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() { Ok(summary) } else { Err(told.join("\n")) }
    }

    /// From the voters' side: what each was told is in the log, and one ballot of theirs counts.
    fn check_told(&self, model: &Model, summary: &mut Summary, wrong: &mut Mismatches) {
        for (number, attempts) in &self.notes.voters {
            let voter = self.population.voter(*number);
            let mut days: BTreeMap<VotingDay, Vec<Receipt>> = BTreeMap::new();
            for attempt in attempts {
                let Fate::Acknowledged { receipt, day } = attempt.fate else { continue };
                days.entry(day).or_default().push(receipt);
                let found = model.at(receipt);
                if let Some(problem) = found.map_or(Some("nothing is there".to_owned()), |found| {
                    unlike(found, (voter, attempt.choices, day))
                }) {
                    let example = format!("voter {number} has receipt {receipt}: {problem}");
                    wrong.add("a receipt does not point at the ballot it is for", example);
                }
            }
            for (day, receipts) in &days {
                let late = |receipt: &Receipt| {
                    model.at(*receipt).is_some_and(|found| found.judged == Judged::Late)
                };
                if model.counted.contains_key(&(voter, *day)) {
                } else if receipts.iter().all(late) {
                    summary.acknowledged_late += 1;
                } else {
                    let example = format!("voter {number} on {day}, with receipt {}", receipts[0]);
                    wrong.add("acknowledged, and no ballot counts", example);
                }
            }
            summary.acknowledged +=
                days.values().map(|receipts| receipts.len() as u64).sum::<u64>();
            summary.repeats += attempts.len() as u64 - 1;
            let is_doubtful = attempts.iter().any(|attempt| attempt.fate == Fate::InDoubt);
            if days.is_empty() && is_doubtful {
                summary.in_doubt += 1;
                let counts =
                    model.days.keys().any(|day| model.counted.contains_key(&(voter, *day)));
                summary.in_doubt_counted += u64::from(counts);
            }
        }
    }

    /// From the log's side: every ballot, counted or not, is one that its voter sent and that was
    /// not refused.
    fn check_ballots(&self, model: &Model, summary: &mut Summary, wrong: &mut Mismatches) {
        let voters: BTreeMap<VoterId, (u32, &Vec<Attempt>)> = self
            .notes
            .voters
            .iter()
            .map(|(number, attempts)| (self.population.voter(*number), (*number, attempts)))
            .collect();
        let mut found_of: BTreeMap<VoterId, u64> = BTreeMap::new();
        for (place, found) in model.all() {
            summary.ballots += 1;
            summary.duplicates += u64::from(found.judged == Judged::Duplicate);
            summary.late += u64::from(found.judged == Judged::Late);
            *found_of.entry(found.voter).or_default() += 1;
            let judged = found.judged;
            let Some((number, attempts)) = voters.get(&found.voter) else {
                let example = format!("{place}, {judged:?}, of {:?}", found.voter);
                wrong.add("a ballot of nobody who voted", example);
                continue;
            };
            let choices: Vec<u32> = found.choices.iter().collect();
            let example = format!("{place}, {judged:?}, of voter {number}, chooses {choices:?}");
            let mut sent =
                attempts.iter().filter(|attempt| attempt.choices == found.choices).peekable();
            if sent.peek().is_none() {
                wrong.add("a ballot with choices that its voter never sent", example);
            } else if !sent.any(|attempt| may_be_in_log(attempt.fate, found.day)) {
                wrong.add("a ballot whose every request was refused", example);
            }
        }
        for (voter, (_, attempts)) in voters {
            let receipts: BTreeSet<Receipt> = attempts.iter().filter_map(receipt).collect();
            let doubts = attempts.iter().filter(|attempt| attempt.fate == Fate::InDoubt).count();
            let possible = (receipts.len() + doubts) as u64;
            let found = found_of.get(&voter).copied().unwrap_or(0);
            summary.surplus += found.saturating_sub(possible);
        }
    }

    /// The document that this log must have.
    fn expected(&self, model: &Model) -> Value {
        let count = |judged| model.outcomes.get(&judged).copied().unwrap_or(0);
        let mut votes = vec![0; self.rules.choices as usize];
        for day in model.days.values() {
            votes.iter_mut().zip(&day.votes).for_each(|(sum, votes)| *sum += votes);
        }
        let partitions = model.frontiers.len();
        let days = model.days.iter().map(|(day, counts)| {
            json!({
                "day": day.to_string(), "closed": counts.closed == partitions,
                "ballots": counts.ballots, "duplicates": counts.duplicates, "late": counts.late,
                "votes": counts.votes,
            })
        });
        let partition = |(number, (frontier, is_final)): (usize, &(u64, bool))| {
            let folded = self.records[number].iter().filter(|record| record.offset < *frontier);
            let folded: Vec<Record> = folded.cloned().collect();
            json!({
                "partition": number, "frontier": frontier, "final": is_final,
                "digest": head_of_records(&folded),
            })
        };
        let newest = model.rules.iter().max_by_key(|rules| rules.len()).and_then(|of| of.last());
        let rules = newest.map(|rules| ballot::Record::Rules(rules.clone()).encode());
        json!({
            "campaign": self.rules.campaign, "journal": self.rules.journal.to_string(),
            "rules": rules.map(|value| blake3::hash(&value).to_string()),
            "final": model.frontiers.iter().all(|(_, is_final)| *is_final),
            "ballots": model.counted.len(), "votes": votes,
            "outcomes": {
                "counted": count(Judged::Counted), "duplicate": count(Judged::Duplicate),
                "late": count(Judged::Late), "outside": count(Judged::Outside),
                "invalid": count(Judged::Invalid), "malformed": model.malformed,
                "misrouted": count(Judged::Misrouted), "ignored": model.ignored,
            },
            "days": days.collect::<Vec<_>>(),
            "partitions":
                model.frontiers.iter().enumerate().map(partition).collect::<Vec<_>>(),
        })
    }
}

fn receipt(attempt: &Attempt) -> Option<Receipt> {
    match attempt.fate {
        Fate::Acknowledged { receipt, .. } => Some(receipt),
        Fate::InDoubt | Fate::Refused(_) => None,
    }
}

/// Whether a request of this fate may have put a ballot of this day into the log.
fn may_be_in_log(fate: Fate, of: Option<VotingDay>) -> bool {
    match fate {
        Fate::Acknowledged { day, .. } => Some(day) == of,
        Fate::InDoubt => true,
        Fate::Refused(_) => false,
    }
}

/// How a ballot differs from the one that was acknowledged.
fn unlike(found: &Found, told: (VoterId, ChoiceSet, VotingDay)) -> Option<String> {
    let (voter, choices, day) = told;
    if found.voter != voter {
        return Some(format!("the ballot there is of {:?}", found.voter));
    }
    if found.choices != choices {
        let numbers = |choices: ChoiceSet| choices.iter().collect::<Vec<u32>>();
        let (there, sent) = (numbers(found.choices), numbers(choices));
        return Some(format!("the ballot there chooses {there:?}, and {sent:?} was sent"));
    }
    let on = |day: Option<VotingDay>| day.map_or("no day".to_owned(), |day| day.to_string());
    (found.day != Some(day))
        .then(|| format!("the ballot there is of {}, and {day} was told", on(found.day)))
}

/// Tells each place where a document differs from what it must be.
fn differences(place: &str, log: &Value, document: &Value, tell: &mut impl FnMut(String)) {
    match (log, document) {
        (Value::Object(log), Value::Object(document)) => {
            let keys: BTreeSet<&String> = log.keys().chain(document.keys()).collect();
            let of =
                |object: &Map<String, Value>, key| object.get(key).cloned().unwrap_or_default();
            for key in keys {
                differences(&format!("{place}.{key}"), &of(log, key), &of(document, key), tell);
            }
        }
        (Value::Array(log), Value::Array(document)) if log.len() == document.len() => {
            for (index, (log, document)) in log.iter().zip(document).enumerate() {
                differences(&format!("{place}[{index}]"), log, document, tell);
            }
        }
        _ if log == document => {}
        _ => tell(format!("{} is {document}, by the log {log}", place.trim_start_matches('.'))),
    }
}
