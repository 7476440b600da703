//! The group's side of the group: who its members are, which partition is whose, what each member
//! is still to hear.
//!
//! What a member hears is in order: between two assignments of a partition to one member there is a
//! revocation. Never here: time, waiting, and who is to have what, which is in `moves`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

use super::Process;
use crate::{GroupEvent, acknowledgement};

#[derive(Debug)]
pub(super) struct Coordinator {
    pub(super) seats: BTreeMap<u64, Seat>,
    next_member: u64,
    pub(super) shares: BTreeMap<u32, Share>,
    pub(super) next_move: u64,
    /// Processes the group cannot hear and that cannot hear it, each with its isolation's number.
    isolated: BTreeMap<Arc<str>, u64>,
    next_isolation: u64,
    /// Whether a pass is on its way.
    pub(super) pass_due: bool,
    /// The frontiers told to lag monitors.
    pub(super) committed: BTreeMap<u32, u64>,
}

/// One member.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) process: Process,
    /// Whether the group takes it for alive.
    pub(super) seated: bool,
    /// Whether it is dead, and the group will notice.
    doomed: bool,
    /// What it owns as far as it has heard.
    held: BTreeSet<u32>,
    inbox: VecDeque<GroupEvent>,
    wake: Arc<Notify>,
}

/// Whose a partition is.
#[derive(Debug, Default)]
pub(super) struct Share {
    pub(super) owner: Option<u64>,
    /// The number of the move under way.
    pub(super) moving: Option<u64>,
    /// Who is not to have it next, if there is anybody else.
    pub(super) avoid: Option<u64>,
}

impl Coordinator {
    pub(super) fn new(partitions: u32) -> Self {
        Self {
            seats: BTreeMap::new(),
            next_member: 0,
            shares: (0..partitions).map(|p| (p, Share::default())).collect(),
            next_move: 0,
            isolated: BTreeMap::new(),
            next_isolation: 0,
            pass_due: false,
            committed: BTreeMap::new(),
        }
    }

    /// A new member, and what wakes it. An isolated process's is seated when it is healed.
    pub(super) fn join(&mut self, process: Process) -> (u64, Arc<Notify>) {
        let member = self.next_member;
        self.next_member += 1;
        let wake = Arc::new(Notify::new());
        let seat = Seat {
            seated: !self.is_isolated(&process.name),
            process,
            doomed: false,
            held: BTreeSet::new(),
            inbox: VecDeque::new(),
            wake: Arc::clone(&wake),
        };
        self.seats.insert(member, seat);
        (member, wake)
    }

    /// Takes a member for dead: what it owned is free, and it does not hear of it.
    fn unseat(&mut self, member: u64) {
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.seated = false;
            seat.inbox.clear();
        }
        for share in self.shares.values_mut().filter(|share| share.owner == Some(member)) {
            share.owner = None;
            share.moving = None;
        }
    }

    /// Ends one membership for good.
    pub(super) fn remove(&mut self, member: u64) {
        self.unseat(member);
        self.seats.remove(&member);
    }

    /// The members of a process's incarnations up to and including `last`.
    pub(super) fn members_of(&self, name: &str, last: u64) -> Vec<u64> {
        let is = |seat: &Seat| &*seat.process.name == name && seat.process.incarnation <= last;
        self.seats.iter().filter(|(_, seat)| is(seat)).map(|(member, _)| *member).collect()
    }

    pub(super) fn has(&self, member: u64) -> bool {
        self.seats.contains_key(&member)
    }

    pub(super) fn is_isolated(&self, name: &str) -> bool {
        self.isolated.contains_key(name)
    }

    /// Cuts a process off and answers the isolation's number; `None` if it is cut off already.
    pub(super) fn isolate(&mut self, name: &str) -> Option<u64> {
        if self.is_isolated(name) {
            return None;
        }
        self.next_isolation += 1;
        self.isolated.insert(name.into(), self.next_isolation);
        Some(self.next_isolation)
    }

    /// Takes an isolated process's members for dead, if that isolation is not over.
    pub(super) fn give_up(&mut self, name: &str, isolation: u64) {
        if self.isolated.get(name) == Some(&isolation) {
            for member in self.members_of(name, u64::MAX) {
                self.unseat(member);
            }
        }
    }

    /// Ends an isolation. Who was taken for dead hears a revocation of all it held, and rejoins.
    pub(super) fn heal(&mut self, name: &str) {
        self.isolated.remove(name);
        for seat in self.seats.values_mut().filter(|seat| &*seat.process.name == name) {
            if !seat.seated {
                seat.seated = true;
                if !seat.held.is_empty() {
                    // Nobody waits for this acknowledgement: the partitions are gone already.
                    let (acknowledge, _) = acknowledgement();
                    let lost = seat.held.iter().copied().collect();
                    seat.inbox.push_back(GroupEvent::Revoked(lost, acknowledge));
                }
            }
            seat.wake.notify_one();
        }
    }

    /// Whether a member has something to hear, and can.
    pub(super) fn has_event(&self, member: u64) -> bool {
        let heard = |seat: &Seat| !seat.inbox.is_empty() && !self.is_isolated(&seat.process.name);
        self.seats.get(&member).is_some_and(heard)
    }

    /// What a member hears next.
    pub(super) fn take_event(&mut self, member: u64) -> Option<GroupEvent> {
        if !self.has_event(member) {
            return None;
        }
        let seat = self.seats.get_mut(&member)?;
        let event = seat.inbox.pop_front()?;
        match &event {
            GroupEvent::Assigned(partitions) => seat.held.extend(partitions),
            GroupEvent::Revoked(partitions, _) => seat.held.retain(|p| !partitions.contains(p)),
        }
        Some(event)
    }

    /// Marks members that are dead, and wakes whoever still waits for what they hear.
    pub(super) fn doom(&mut self, members: &[u64]) {
        for member in members {
            if let Some(seat) = self.seats.get_mut(member) {
                seat.doomed = true;
                seat.wake.notify_one();
            }
        }
    }

    pub(super) fn tell(&mut self, member: u64, event: GroupEvent) {
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.inbox.push_back(event);
            seat.wake.notify_one();
        }
    }

    /// The process that owns each partition, as the group has it.
    pub(super) fn owners(&self) -> Vec<Option<&Process>> {
        let process = |owner| self.seats.get(&owner).map(|seat| &seat.process);
        self.shares.values().map(|share| share.owner.and_then(process)).collect()
    }

    /// Whether every partition rests with a live member that can hear, and all that the members are
    /// to hear has been heard.
    pub(super) fn is_settled(&self) -> bool {
        let rests = |share: &Share| share.owner.is_some() && share.moving.is_none();
        let settled = |seat: &Seat| {
            let cut_off = seat.seated && self.is_isolated(&seat.process.name);
            seat.inbox.is_empty() && !seat.doomed && !cut_off
        };
        !self.pass_due && self.shares.values().all(rests) && self.seats.values().all(settled)
    }
}
