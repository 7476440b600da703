//! The fold once more, as simple as the words of the design: one entry per voter and day, one per
//! count, no columns, no runs, no sets that are dropped.
//!
//! It uses the domain's types as plain data and none of its judgement.

use std::collections::{HashMap, HashSet};

use ballot::{Ballot, Close, DayTally, Days, Outcomes, Rules, VoterId, VotingDay};

/// What a record says, as the one who wrote it meant it.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Rules(Rules),
    Ballots(Vec<Ballot>),
    Close(Close),
    Malformed,
}

/// The only state: what has been seen, and counts by name.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) rules: Rules,
    pub(crate) partition: u32,
    pub(crate) frontier: u64,
    pub(crate) closed: HashSet<VotingDay>,
    voted: HashSet<(VoterIdBytes, VotingDay)>,
    outcomes: HashMap<&'static str, u64>,
    by_day: HashMap<(VotingDay, &'static str), u64>,
    votes: HashMap<(VotingDay, u32), u64>,
}

type VoterIdBytes = [u8; 16];

impl Model {
    /// After the first record, the rules.
    pub(crate) fn new(partition: u32, rules: Rules) -> Self {
        Self {
            rules,
            partition,
            frontier: 1,
            closed: HashSet::new(),
            voted: HashSet::new(),
            outcomes: HashMap::new(),
            by_day: HashMap::new(),
            votes: HashMap::new(),
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        self.rules.days.last().is_some_and(|day| self.closed.contains(&day.day))
    }

    /// Takes the next record; nothing moves after the campaign's close.
    pub(crate) fn apply(&mut self, event: &Event) {
        if self.is_final() {
            return;
        }
        self.frontier += 1;
        match event {
            Event::Rules(next) if self.accepts(next) => self.rules = next.clone(),
            Event::Rules(_) => self.outcome("ignored"),
            Event::Ballots(ballots) => ballots.iter().for_each(|ballot| self.ballot(ballot)),
            Event::Close(close) => self.close(close),
            Event::Malformed => self.outcome("malformed"),
        }
    }

    fn accepts(&self, next: &Rules) -> bool {
        let was = &self.rules;
        let kept = was.days.iter().enumerate().all(|(i, day)| match next.days.get(i) {
            None => false,
            Some(is) => is.day == day.day && is.start_ms == day.start_ms && is.end_ms >= day.end_ms,
        });
        let wider = next.choices_per_ballot_min <= was.choices_per_ballot_min
            && next.choices_per_ballot_max >= was.choices_per_ballot_max
            && next.grace_ms >= was.grace_ms;
        kept && wider
            && was != next
            && was.journal == next.journal
            && was.campaign == next.campaign
            && was.partitions == next.partitions
            && was.choices == next.choices
            && was.pseudonym_key == next.pseudonym_key
    }

    fn close(&mut self, close: &Close) {
        let day = self.rules.days.iter().find(|day| day.day == close.day).copied();
        match day {
            Some(day)
                if !self.closed.contains(&day.day)
                    && close.instant_ms == day.end_ms
                    && close.clock_ms >= day.end_ms + self.rules.grace_ms.cast_signed() =>
            {
                self.closed.insert(day.day);
            }
            Some(_) | None => self.outcome("ignored"),
        }
    }

    fn ballot(&mut self, ballot: &Ballot) {
        if !belongs(ballot.voter, self.partition, self.rules.partitions) {
            return self.outcome("misrouted");
        }
        let at = ballot.cast_at_ms;
        let mut days = self.rules.days.iter();
        let Some(day) = days.find(|day| day.start_ms <= at && at < day.end_ms) else {
            return self.outcome("outside");
        };
        let day = day.day;
        let numbers: Vec<u32> = ballot.choices.iter().collect();
        let few = numbers.len() < self.rules.choices_per_ballot_min as usize;
        let many = numbers.len() > self.rules.choices_per_ballot_max as usize;
        if few || many || numbers.iter().any(|number| *number > self.rules.choices) {
            return self.outcome("invalid");
        }
        if self.closed.contains(&day) {
            return self.outcome_of(day, "late");
        }
        if !self.voted.insert((ballot.voter.to_bytes(), day)) {
            return self.outcome_of(day, "duplicate");
        }
        self.outcome_of(day, "counted");
        for number in numbers {
            *self.votes.entry((day, number)).or_default() += 1;
        }
    }

    fn outcome(&mut self, name: &'static str) {
        *self.outcomes.entry(name).or_default() += 1;
    }

    fn outcome_of(&mut self, day: VotingDay, name: &'static str) {
        self.outcome(name);
        *self.by_day.entry((day, name)).or_default() += 1;
    }

    pub(crate) fn outcomes(&self) -> Outcomes {
        let of = |name| self.outcomes.get(name).copied().unwrap_or_default();
        Outcomes {
            counted: of("counted"),
            duplicate: of("duplicate"),
            late: of("late"),
            outside: of("outside"),
            invalid: of("invalid"),
            malformed: of("malformed"),
            misrouted: of("misrouted"),
            ignored: of("ignored"),
        }
    }

    pub(crate) fn days(&self) -> Days {
        let tally = |day: VotingDay| {
            let of = |name| self.by_day.get(&(day, name)).copied().unwrap_or_default();
            let votes = |number| self.votes.get(&(day, number)).copied().unwrap_or_default();
            DayTally {
                ballots: of("counted"),
                duplicates: of("duplicate"),
                late: of("late"),
                votes: (1..=self.rules.choices).map(votes).collect(),
            }
        };
        self.rules.days.iter().map(|day| (day.day, tally(day.day))).collect()
    }
}

/// Partitions cut the range of the high half into equal parts; four, two and one are whole bits.
fn belongs(voter: VoterId, partition: u32, partitions: u32) -> bool {
    let bits = partitions.trailing_zeros();
    assert!(partitions.is_power_of_two() && bits <= 2, "the model knows 1, 2 and 4 partitions");
    bits == 0 || voter.high >> (64 - bits) == u64::from(partition)
}
