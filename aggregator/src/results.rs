//! The results ledger: of all published snapshots the highest of each partition, and what was
//! published last. A frontier never falls here, whatever order snapshots come in.
//!
//! Pure: it reads nothing, and its tests are arithmetic.

use std::sync::Arc;

use ballot::{JournalId, Rules, Snapshot, TallyDocument};
use bytes::Bytes;
use tokio::time::Instant;

/// What is known of one partition.
#[derive(Debug, Clone, Default)]
pub struct PartitionResult {
    /// The snapshot with the highest frontier.
    pub highest: Option<Arc<Snapshot>>,
    /// The frontier of the snapshot published last: what compaction keeps.
    pub last: Option<u64>,
}

/// Since when published snapshots cannot be read, and why.
#[derive(Debug, Clone)]
pub struct Unread {
    /// Since when.
    pub since: Instant,
    /// What the last attempt met.
    pub why: String,
}

/// The published snapshots as one process has read them.
#[derive(Debug, Clone)]
pub struct Results {
    journal: JournalId,
    /// One per partition, in order.
    pub partitions: Vec<PartitionResult>,
    /// Everything below this place among the published snapshots has been read.
    pub position: u64,
    /// Whether all that was there at the start has been read and found sound.
    pub complete: bool,
    /// Why these snapshots are not to be used, once that is known.
    pub refused: Option<String>,
    /// Why, as far as these snapshots tell, ballots are gone or would go into another journal than
    /// was counted. It refuses the results as well; an edge takes ballots unless it is so.
    pub lost: Option<String>,
    /// Set while they cannot be read.
    pub unread: Option<Unread>,
}

impl Results {
    /// Nothing read yet of this journal.
    #[must_use]
    pub fn new(journal: JournalId, partitions: u32) -> Self {
        Self {
            journal,
            partitions: vec![PartitionResult::default(); partitions as usize],
            position: 0,
            complete: false,
            refused: None,
            lost: None,
            unread: None,
        }
    }

    /// Takes a published snapshot. One that is not of this journal refuses the whole view: another
    /// journal's results must not be served as this one's.
    pub fn take(&mut self, partition: u32, value: &Bytes) {
        let snapshot = match Snapshot::decode(value) {
            Ok(snapshot) => snapshot,
            Err(error) => return self.refuse(format!("partition {partition}: {error}")),
        };
        if snapshot.journal() != self.journal {
            let (of, ours) = (snapshot.journal(), self.journal);
            return self.refuse_as_lost(format!(
                "the snapshot of partition {partition} is of journal {of}, this is {ours}: \
                 the ballots were made anew under kept tallies"
            ));
        }
        let slot = usize::try_from(partition).ok().and_then(|p| self.partitions.get_mut(p));
        let Some(slot) = slot.filter(|_| snapshot.partition() == partition) else {
            return self.refuse(format!("a snapshot of a partition {partition} that is not there"));
        };
        slot.last = Some(snapshot.frontier());
        let highest = slot.highest.as_ref().map(|highest| highest.frontier());
        if highest.is_none_or(|highest| highest < snapshot.frontier()) {
            slot.highest = Some(Arc::new(snapshot));
        }
    }

    /// Refuses these results for a reason; the first reason stays.
    pub fn refuse(&mut self, why: String) {
        self.refused.get_or_insert(why);
    }

    /// Refuses these results because ballots are gone, or might be lost if any were taken.
    pub fn refuse_as_lost(&mut self, why: String) {
        self.lost.get_or_insert_with(|| why.clone());
        self.refuse(why);
    }

    /// Takes that an attempt to read what was published has failed.
    pub fn note_unread(&mut self, now: Instant, why: String) {
        let since = self.unread.as_ref().map_or(now, |unread| unread.since);
        self.unread = Some(Unread { since, why });
    }

    /// The document of the highest snapshots; `None` until complete, or when refused.
    #[must_use]
    pub fn document(&self) -> Option<TallyDocument> {
        if !self.complete || self.refused.is_some() {
            return None;
        }
        let highest = self.partitions.iter().map(|partition| partition.highest.as_deref());
        TallyDocument::of(&highest.collect::<Option<Vec<_>>>()?)
    }

    /// The newest rules by which a ballot may be judged wherever it goes: those in force in every
    /// partition equal them or are wider. Two extensions at once, of which one was cut short, leave
    /// partitions with rules that others will never have. `None` until there is a snapshot of each.
    #[must_use]
    pub fn rules(&self) -> Option<&Rules> {
        let highest = self.partitions.iter().map(|partition| partition.highest.as_deref());
        let mut snapshots = highest.collect::<Option<Vec<_>>>()?;
        // What is closed takes no ballots, whatever an extension says that came after.
        if snapshots.iter().any(|snapshot| !snapshot.fold().is_final()) {
            snapshots.retain(|snapshot| !snapshot.fold().is_final());
        }
        let mut in_force: Vec<&Rules> = Vec::new();
        for snapshot in &snapshots {
            let (_, rules) = snapshot.rules().last()?;
            if !in_force.contains(&rules) {
                in_force.push(rules);
            }
        }
        let known_to_all =
            |rules: &Rules| in_force.iter().all(|now| *now == rules || rules.may_become(now));
        // Whatever has ever been in force in some partition: the founding is always among it.
        let ever = snapshots.iter().flat_map(|snapshot| snapshot.rules().iter().rev());
        let candidates = ever.map(|(_, rules)| rules);
        candidates.fold(None, |best: Option<&Rules>, rules| match best {
            Some(best) if best == rules || !best.may_become(rules) => Some(best),
            Some(_) | None if known_to_all(rules) => Some(rules),
            best => best,
        })
    }
}
