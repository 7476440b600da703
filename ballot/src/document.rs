//! The tally document: the result as the public sees it, a pure function of one snapshot of each
//! partition, and so of a journal prefix. Live view and recount make the same bytes.
//!
//! Nothing of the moment or of the process goes in: no time, no host, no version of this program.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::tally::Days;
use crate::{DayTally, Outcomes, Snapshot, VotingDay, hex};

/// The result over all partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TallyDocument {
    /// The campaign's id.
    pub campaign: String,
    /// The journal it is counted from, hexadecimal.
    pub journal: String,
    /// BLAKE3 of the newest rules record that took effect, hexadecimal.
    pub rules: String,
    /// Whether every partition's campaign close has been folded: nothing moves any more.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Ballots counted.
    pub ballots: u64,
    /// Votes per choice, choice 1 first.
    pub votes: Vec<u64>,
    /// What became of all ballots.
    pub outcomes: Outcomes,
    /// The voting days in order.
    pub days: Vec<DayDocument>,
    /// The partitions in order.
    pub partitions: Vec<PartitionDocument>,
}

/// The counts of a day over all partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayDocument {
    /// The day.
    pub day: VotingDay,
    /// Whether its close has been folded in every partition.
    pub closed: bool,
    /// Ballots counted.
    pub ballots: u64,
    /// Valid ballots of voters who had been counted that day.
    pub duplicates: u64,
    /// Valid ballots behind the day's close.
    pub late: u64,
    /// Votes per choice, choice 1 first.
    pub votes: Vec<u64>,
}

/// How far a partition has been folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionDocument {
    /// The partition.
    pub partition: u32,
    /// The offset of the first record not counted.
    pub frontier: u64,
    /// Whether its campaign close has been folded.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// RFC 6962 tree head over the records below the frontier, hexadecimal.
    pub digest: String,
}

impl TallyDocument {
    /// The document of these snapshots, one of each partition in order; `None` if one is missing,
    /// is of another journal, or has no rules yet.
    #[must_use]
    pub fn of(snapshots: &[&Snapshot]) -> Option<Self> {
        let newest = snapshots.iter().max_by_key(|snapshot| snapshot.rules().len())?;
        let (_, rules) = newest.rules().last()?;
        let in_order = snapshots.iter().zip(0..).all(|(snapshot, partition)| {
            let rules = !snapshot.rules().is_empty();
            snapshot.partition() == partition && snapshot.journal() == newest.journal() && rules
        });
        if !in_order || u32::try_from(snapshots.len()) != Ok(rules.partitions) {
            return None;
        }
        let mut days: Days = BTreeMap::new();
        let mut outcomes = Outcomes::default();
        for snapshot in snapshots {
            outcomes.add(snapshot.fold().outcomes());
            for (day, tally) in snapshot.fold().days() {
                days.entry(*day).or_insert_with(|| DayTally::new(rules.choices)).add(tally);
            }
        }
        let mut total = DayTally::new(rules.choices);
        days.values().for_each(|day| total.add(day));
        let day = |(day, tally): (VotingDay, DayTally)| DayDocument {
            day,
            closed: snapshots.iter().all(|snapshot| snapshot.closed().contains(&day)),
            ballots: tally.ballots,
            duplicates: tally.duplicates,
            late: tally.late,
            votes: tally.votes,
        };
        let partition = |snapshot: &&Snapshot| PartitionDocument {
            partition: snapshot.partition(),
            frontier: snapshot.frontier(),
            is_final: snapshot.fold().is_final(),
            digest: hex(&snapshot.head()),
        };
        Some(Self {
            campaign: rules.campaign.clone(),
            journal: newest.journal().to_string(),
            rules: hex(&rules.hash()),
            is_final: snapshots.iter().all(|snapshot| snapshot.fold().is_final()),
            ballots: total.ballots,
            votes: total.votes,
            outcomes,
            days: days.into_iter().map(day).collect(),
            partitions: snapshots.iter().map(partition).collect(),
        })
    }

    /// The document as JSON, without a line end: the bytes that are served and compared.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a document of strings and numbers is always JSON")
    }
}
