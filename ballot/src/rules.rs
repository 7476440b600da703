//! The rules record: everything the fold depends on besides the ballots, written into the log.
//!
//! Record 0 of each partition is one; a change is another and holds from its offset on. Every
//! process compares its own configuration with it and refuses a difference by name.

use std::fmt;

use crate::ids::rfc3339;
use crate::wire;
use crate::{Ballot, CHOICES_MAX, Campaign, ChoiceSet, Hash, JournalId, Record, VotingDay};

/// The fold this program does. Another number means another result from the same log.
pub const FOLD_VERSION: u32 = 1;

/// The most partitions a journal may have: a snapshot of each is in memory everywhere.
pub const PARTITIONS_MAX: u32 = 1_024;

/// The most voting days: a year and a day.
pub const DAYS_MAX: usize = 367;

/// A voting day and when it is, `start_ms <= t < end_ms`, milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The calendar day in the campaign's zone.
    pub day: VotingDay,
    /// Its first instant within the window.
    pub start_ms: i64,
    /// The first instant after it.
    pub end_ms: i64,
}

/// What the rules say of a ballot by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// In a partition that is not its voter's.
    Misrouted,
    /// Cast outside the window.
    Outside,
    /// Choices the rules do not allow.
    Invalid,
    /// Valid on this day; counted if it is the voter's first there, before the day's close.
    Valid(VotingDay),
}

/// What the fold depends on. Made by [`Rules::new`] or read from a record; always consistent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The journal this was written for.
    pub journal: JournalId,
    /// The campaign's id.
    pub campaign: String,
    /// How many partitions voters are spread over.
    pub partitions: u32,
    /// Choices are numbered `1..=choices`.
    pub choices: u32,
    /// The fewest choices of a ballot.
    pub choices_per_ballot_min: u32,
    /// The most choices of a ballot.
    pub choices_per_ballot_max: u32,
    /// The voting days, contiguous and in order.
    pub days: Vec<Day>,
    /// How long after a day's end its close record may be written, in milliseconds.
    pub grace_ms: u64,
    /// See [`FOLD_VERSION`].
    pub fold_version: u32,
    /// Fingerprint of the key behind the pseudonyms.
    pub pseudonym_key: [u8; 16],
}

impl Rules {
    /// The rules of a campaign in a journal.
    #[must_use]
    pub fn new(
        campaign: &Campaign,
        journal: JournalId,
        partitions: u32,
        pseudonym_key: [u8; 16],
    ) -> Self {
        Self {
            journal,
            campaign: campaign.id.clone(),
            partitions,
            choices: u32::try_from(campaign.choices.len()).unwrap_or(u32::MAX),
            choices_per_ballot_min: campaign.choices_per_ballot_min,
            choices_per_ballot_max: campaign.choices_per_ballot_max,
            days: campaign.days(),
            grace_ms: campaign.grace_ms,
            fold_version: FOLD_VERSION,
            pseudonym_key,
        }
    }

    /// BLAKE3 of the record's value.
    #[must_use]
    pub fn hash(&self) -> Hash {
        *blake3::hash(&Record::Rules(self.clone()).encode()).as_bytes()
    }

    /// The voting day of an instant; `None` outside the window.
    #[must_use]
    pub fn day_at(&self, at_ms: i64) -> Option<Day> {
        let after = self.days.partition_point(|day| day.end_ms <= at_ms);
        self.days.get(after).copied().filter(|day| day.start_ms <= at_ms)
    }

    /// When the window opens, milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn opens_at_ms(&self) -> i64 {
        self.days.first().map_or(i64::MAX, |day| day.start_ms)
    }

    /// When the window closes.
    #[must_use]
    pub fn closes_at_ms(&self) -> i64 {
        self.days.last().map_or(i64::MIN, |day| day.end_ms)
    }

    /// When a day's close record may be written and takes effect.
    #[must_use]
    pub fn closable_at_ms(&self, day: &Day) -> i64 {
        day.end_ms.saturating_add_unsigned(self.grace_ms)
    }

    /// Whether a set of choices may be cast.
    #[must_use]
    pub fn allows(&self, choices: &ChoiceSet) -> bool {
        let count = choices.len();
        (self.choices_per_ballot_min..=self.choices_per_ballot_max).contains(&count)
            && choices.is_within(self.choices)
    }

    /// What these rules say of a ballot found in a partition, closed days and earlier ballots
    /// aside.
    #[must_use]
    pub fn judge(&self, partition: u32, ballot: &Ballot) -> Verdict {
        if ballot.voter.partition(self.partitions) != partition {
            return Verdict::Misrouted;
        }
        match self.day_at(ballot.cast_at_ms) {
            None => Verdict::Outside,
            Some(_) if !self.allows(&ballot.choices) => Verdict::Invalid,
            Some(day) => Verdict::Valid(day.day),
        }
    }

    /// What the fold needs to hold of rules on their own.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let contiguous =
            self.days.windows(2).all(|d| d[0].end_ms == d[1].start_ms && d[0].day < d[1].day);
        (1..=PARTITIONS_MAX).contains(&self.partitions)
            && (1..=CHOICES_MAX as u64).contains(&u64::from(self.choices))
            && (1..=self.choices_per_ballot_max).contains(&self.choices_per_ballot_min)
            && self.choices_per_ballot_max <= self.choices
            && (1..=DAYS_MAX).contains(&self.days.len())
            && self.days.iter().all(|day| day.start_ms < day.end_ms)
            && contiguous
    }

    /// Whether `next` may take effect after these rules: the same journal, campaign and voters, and
    /// wider in every respect, so that nothing acknowledged under these rules is refused by those.
    /// Only the last day's end can move, since days are contiguous and starts stay.
    #[must_use]
    pub fn may_become(&self, next: &Self) -> bool {
        let fixed = self.journal == next.journal
            && self.campaign == next.campaign
            && self.partitions == next.partitions
            && self.choices == next.choices
            && self.fold_version == next.fold_version
            && self.pseudonym_key == next.pseudonym_key;
        let wider = self.choices_per_ballot_min >= next.choices_per_ballot_min
            && self.choices_per_ballot_max <= next.choices_per_ballot_max
            && self.grace_ms <= next.grace_ms
            && self.days.len() <= next.days.len();
        let mut pairs = self.days.iter().zip(&next.days);
        let starts = |(was, is): (&Day, &Day)| {
            was.day == is.day && was.start_ms == is.start_ms && was.end_ms <= is.end_ms
        };
        fixed && wider && pairs.all(starts)
    }

    /// The first difference to the rules of the log, by name; `None` if there is none.
    #[must_use]
    pub fn difference(&self, log: &Self) -> Option<Difference> {
        let fields: [(&'static str, String, String); 10] = [
            ("journal", self.journal.to_string(), log.journal.to_string()),
            ("campaign", self.campaign.clone(), log.campaign.clone()),
            ("partitions", self.partitions.to_string(), log.partitions.to_string()),
            ("choices", self.choices.to_string(), log.choices.to_string()),
            (
                "choices_per_ballot_min",
                self.choices_per_ballot_min.to_string(),
                log.choices_per_ballot_min.to_string(),
            ),
            (
                "choices_per_ballot_max",
                self.choices_per_ballot_max.to_string(),
                log.choices_per_ballot_max.to_string(),
            ),
            ("opens_at, closes_at or zone", days_unlike(self, log), days_unlike(log, self)),
            ("grace_seconds", seconds(self.grace_ms), seconds(log.grace_ms)),
            ("fold version", self.fold_version.to_string(), log.fold_version.to_string()),
            ("pseudonym key", crate::hex(&self.pseudonym_key), crate::hex(&log.pseudonym_key)),
        ];
        let found = fields.into_iter().find(|(_, ours, theirs)| ours != theirs);
        found.map(|(field, ours, theirs)| Difference { field, ours, theirs })
    }

    pub(crate) fn to_wire(&self) -> wire::Rules {
        let day = |day: &Day| wire::Day {
            day: day.day.number(),
            start_ms: day.start_ms,
            end_ms: day.end_ms,
        };
        wire::Rules {
            journal: self.journal.0.to_vec(),
            campaign: self.campaign.clone(),
            partitions: self.partitions,
            choices: self.choices,
            choices_per_ballot_min: self.choices_per_ballot_min,
            choices_per_ballot_max: self.choices_per_ballot_max,
            days: self.days.iter().map(day).collect(),
            grace_ms: self.grace_ms,
            fold_version: self.fold_version,
            pseudonym_key: self.pseudonym_key.to_vec(),
        }
    }

    pub(crate) fn from_wire(rules: wire::Rules) -> Option<Self> {
        let day = |day: &wire::Day| {
            let (start_ms, end_ms) = (day.start_ms, day.end_ms);
            Some(Day { day: VotingDay::from_number(day.day)?, start_ms, end_ms })
        };
        let rules = Self {
            journal: JournalId(rules.journal.try_into().ok()?),
            campaign: rules.campaign,
            partitions: rules.partitions,
            choices: rules.choices,
            choices_per_ballot_min: rules.choices_per_ballot_min,
            choices_per_ballot_max: rules.choices_per_ballot_max,
            days: rules.days.iter().map(day).collect::<Option<_>>()?,
            grace_ms: rules.grace_ms,
            fold_version: rules.fold_version,
            pseudonym_key: rules.pseudonym_key.try_into().ok()?,
        };
        rules.is_consistent().then_some(rules)
    }
}

/// The window, and the first voting day that the other rules do not have like that.
fn days_unlike(rules: &Rules, other: &Rules) -> String {
    let (opens, closes) = (rfc3339(rules.opens_at_ms()), rfc3339(rules.closes_at_ms()));
    let mut text = format!("{opens} to {closes}, {} days", rules.days.len());
    if let Some(day) = rules.days.iter().find(|day| !other.days.contains(day)) {
        let (start, end) = (rfc3339(day.start_ms), rfc3339(day.end_ms));
        text.push_str(&format!(" ({} is {start} to {end})", day.day));
    }
    text
}

fn seconds(ms: u64) -> String {
    format!("{}", std::time::Duration::from_millis(ms).as_secs_f64())
}

/// A setting that differs from the log's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The setting's name.
    pub field: &'static str,
    /// As configured here.
    pub ours: String,
    /// As the log has it.
    pub theirs: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} differs: configured is {}, the log has {}",
            self.field, self.ours, self.theirs
        )
    }
}
