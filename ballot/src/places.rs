//! Where the ballots of a batch belong: open day, closed day, or nowhere. What the fold decides
//! before it asks who has voted.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Ballot, Batch, Rules, Stop, Verdict, Voters, VotingDay};

/// Where each ballot of a batch belongs, in order.
pub(crate) fn place_all(
    rules: &Rules,
    partition: u32,
    closed: &BTreeSet<VotingDay>,
    batch: &Batch,
) -> Vec<(Place, Ballot)> {
    let place = |ballot: Ballot| {
        let place = match rules.judge(partition, &ballot) {
            Verdict::Valid(day) if closed.contains(&day) => Place::Closed(day),
            Verdict::Valid(day) => Place::Open(day),
            verdict @ (Verdict::Misrouted | Verdict::Outside | Verdict::Invalid) => {
                Place::Nowhere(verdict)
            }
        };
        (place, ballot)
    };
    batch.ballots().map(place).collect()
}

/// Where a ballot belongs, before the voter set has been asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Nowhere(Verdict),
    Closed(VotingDay),
    Open(VotingDay),
}

/// Ballots of one place in a row: nearly always the whole record.
pub(crate) fn runs(
    judged: &[(Place, Ballot)],
) -> impl Iterator<Item = (Place, &[(Place, Ballot)])> {
    let chunks = judged.chunk_by(|(a, _), (b, _)| a == b);
    chunks.filter_map(|run| run.first().map(|(place, _)| (*place, run)))
}

/// Whether the sets have room for a record, were all its voters new: asked before any is marked, so
/// that a full set leaves the fold as it was.
pub(crate) fn check_room<V: Voters>(
    judged: &[(Place, Ballot)],
    voters: &mut V,
) -> Result<(), Stop> {
    let mut wanted: BTreeMap<VotingDay, usize> = BTreeMap::new();
    for (place, run) in runs(judged) {
        if let Place::Open(day) = place {
            *wanted.entry(day).or_default() += run.len();
        }
    }
    for (day, count) in wanted {
        let fits = voters.with_day(day, |set| {
            // Near the limit it is worth a look who is new: a wave of retries must not stop it.
            let is_new = |(place, ballot): &&(Place, Ballot)| {
                *place == Place::Open(day) && !set.contains(ballot.voter)
            };
            count <= set.room() || judged.iter().filter(is_new).count() <= set.room()
        });
        if !fits {
            return Err(Stop::VotersFull { day });
        }
    }
    Ok(())
}
