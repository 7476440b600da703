//! Who is to have which partition, and how it gets there.
//!
//! A partition that moves is first revoked from its owner, and given away once the owner has
//! acknowledged or the group has given up waiting. While something moves nothing more is evened
//! out, so the shares come to rest. Never here: time, waiting.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::Random;
use super::coordinator::{Coordinator, Share};
use crate::{GroupEvent, acknowledgement};

/// A revocation that waits for its acknowledgement.
#[derive(Debug)]
pub(super) struct Move {
    pub(super) number: u64,
    pub(super) acknowledged: oneshot::Receiver<()>,
}

impl Coordinator {
    /// Brings the shares closer to an even spread: gives away what is free, and if nothing is
    /// moving, revokes from who has too many.
    pub(super) fn pass(&mut self, random: &mut Random) -> Vec<Move> {
        self.pass_due = false;
        let mut loads = self.loads();
        self.give(&mut loads, random);
        if self.shares.values().any(|share| share.moving.is_some()) {
            return Vec::new();
        }
        let mut surplus: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        loop {
            let most = loads.iter().max_by_key(|(_, load)| load.len());
            let least = loads.values().map(Vec::len).min().unwrap_or(0);
            let Some((&most, load)) = most.filter(|(_, load)| load.len() > least + 1) else {
                break;
            };
            let moved = load[random.index(load.len())];
            surplus.entry(most).or_default().push(moved);
            for load in loads.values_mut() {
                load.retain(|p| *p != moved);
            }
            // To be given to the least loaded once it is free; here it only has to count.
            if let Some(load) = loads.values_mut().min_by_key(|load| load.len()) {
                load.push(moved);
            }
        }
        surplus.into_iter().map(|(member, partitions)| self.revoke(member, partitions)).collect()
    }

    /// What each seated member has that does not move.
    fn loads(&self) -> BTreeMap<u64, Vec<u32>> {
        let seated = self.seats.iter().filter(|(_, seat)| seat.seated);
        let mut loads: BTreeMap<u64, Vec<u32>> = seated.map(|(m, _)| (*m, Vec::new())).collect();
        for (partition, share) in self.shares.iter().filter(|(_, share)| share.moving.is_none()) {
            if let Some(load) = share.owner.and_then(|owner| loads.get_mut(&owner)) {
                load.push(*partition);
            }
        }
        loads
    }

    /// Gives each free partition to one of the least loaded.
    fn give(&mut self, loads: &mut BTreeMap<u64, Vec<u32>>, random: &mut Random) {
        let mut given: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for (partition, share) in self.shares.iter_mut().filter(|(_, s)| s.owner.is_none()) {
            let avoid = share.avoid.filter(|_| loads.len() > 1);
            let eligible = || loads.iter().filter(|(member, _)| Some(**member) != avoid);
            let least = eligible().map(|(_, load)| load.len()).min().unwrap_or(0);
            let lightest: Vec<u64> =
                eligible().filter(|(_, load)| load.len() == least).map(|(m, _)| *m).collect();
            let Some(&member) = lightest.get(random.index(lightest.len())) else {
                return;
            };
            *share = Share { owner: Some(member), moving: None, avoid: None };
            loads.entry(member).or_default().push(*partition);
            given.entry(member).or_default().push(*partition);
        }
        for (member, partitions) in given {
            self.tell(member, GroupEvent::Assigned(partitions));
        }
    }

    fn revoke(&mut self, member: u64, partitions: Vec<u32>) -> Move {
        let number = self.next_move;
        self.next_move += 1;
        for partition in &partitions {
            if let Some(share) = self.shares.get_mut(partition) {
                share.moving = Some(number);
            }
        }
        let (acknowledge, acknowledged) = acknowledgement();
        self.tell(member, GroupEvent::Revoked(partitions, acknowledge));
        Move { number, acknowledged }
    }

    /// Revokes one partition from a process, if it rests there.
    pub(super) fn revoke_from(&mut self, name: &str, partition: u32) -> Option<Move> {
        let share = self.shares.get_mut(&partition).filter(|share| share.moving.is_none())?;
        let owner = share.owner?;
        self.seats.get(&owner).filter(|seat| &*seat.process.name == name)?;
        share.avoid = Some(owner);
        Some(self.revoke(owner, vec![partition]))
    }

    /// Revokes about half of what rests.
    pub(super) fn shake(&mut self, random: &mut Random) -> Vec<Move> {
        let mut moves = Vec::new();
        for (member, mut load) in self.loads() {
            load.retain(|_| random.chance(500));
            if !load.is_empty() {
                moves.push(self.revoke(member, load));
            }
        }
        moves
    }

    /// Frees what a move has revoked, if it is still on its way.
    pub(super) fn finish(&mut self, number: u64) {
        for share in self.shares.values_mut().filter(|share| share.moving == Some(number)) {
            share.owner = None;
            share.moving = None;
        }
    }
}
