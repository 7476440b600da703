//! A member of the simulated group, and the timing of what the group does.
//!
//! Every change takes effect in a pass some milliseconds later, so that changes meet. A member that
//! is dropped without leaving is taken for dead after the session timeout. Never here: who gets
//! what, which is the coordinator's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::moves::Move;
use super::readers::Pace;
use super::{Cluster, Process, State};
use crate::{Error, Group, GroupEvent};

impl Cluster {
    /// Does something after a while. Nobody joins the task; the end of the runtime ends it.
    pub(super) fn after(&self, ms: u64, act: impl FnOnce(&Self) + Send + 'static) {
        let cluster = self.clone();
        drop(tokio::spawn(async move {
            sleep(Duration::from_millis(ms)).await;
            act(&cluster);
        }));
    }

    /// Lets the group look at its members and shares soon. One look serves all that asked.
    pub(super) fn schedule_pass(&self, state: &mut State) {
        if !std::mem::replace(&mut state.group.pass_due, true) {
            let after_ms = state.random.within(&self.options().group_latency_ms);
            self.after(after_ms, Self::pass);
        }
    }

    fn pass(&self) {
        let mut state = self.lock();
        let State { group, random, .. } = &mut *state;
        let moves = group.pass(random);
        state.note_owners();
        drop(state);
        self.rest().notify_waiters();
        moves.into_iter().for_each(|move_| self.see_through(move_));
    }

    /// Waits for a revocation's acknowledgement, or no longer, and lets the move go on. Nobody
    /// joins the task; the revocation timeout ends it.
    pub(super) fn see_through(&self, Move { number, acknowledged }: Move) {
        let cluster = self.clone();
        let patience = Duration::from_millis(self.options().revocation_timeout_ms);
        drop(tokio::spawn(async move {
            // Acknowledged, dropped or waited for in vain: the partitions are free.
            drop(timeout(patience, acknowledged).await);
            let mut state = cluster.lock();
            state.group.finish(number);
            state.note(format_args!("move {number} is through"));
            cluster.schedule_pass(&mut state);
        }));
    }

    /// Takes members for dead after the session timeout.
    pub(super) fn expire(&self, members: Vec<u64>) {
        if members.is_empty() {
            return;
        }
        self.lock().group.doom(&members);
        self.after(self.options().session_timeout_ms, move |cluster| {
            let mut state = cluster.lock();
            for member in members {
                state.group.remove(member);
                state.note(format_args!("member {member} is taken for dead"));
            }
            cluster.schedule_pass(&mut state);
        });
    }
}

impl State {
    fn note_owners(&mut self) {
        let Self { timeline, events, group, .. } = self;
        let owners =
            group.owners().into_iter().map(|o| o.map_or(-1, |p| p.incarnation.cast_signed()));
        let owners: Vec<i64> = owners.collect();
        events.note(timeline.elapsed_ms(), format_args!("owners {owners:?}"));
    }
}

/// One member of a simulated cluster's group.
pub struct SimulatedGroup {
    cluster: Cluster,
    process: Process,
    member: u64,
    wake: Arc<Notify>,
    pace: Pace,
}

impl fmt::Debug for SimulatedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedGroup({}, member {})", self.process, self.member)
    }
}

impl SimulatedGroup {
    pub(super) fn join(cluster: Cluster, process: Process) -> Self {
        let mut state = cluster.lock();
        let (member, wake) = state.group.join(process.clone());
        state.note(format_args!("{process} joins as member {member}"));
        if state.check_alive(&process).is_err() {
            // The dead do not join; every call of this member fails.
            state.group.remove(member);
        }
        cluster.schedule_pass(&mut state);
        drop(state);
        Self { cluster, process, member, wake, pace: Pace::default() }
    }
}

impl Group for SimulatedGroup {
    async fn next(&mut self) -> Result<GroupEvent, Error> {
        let Self { cluster, process, member, wake, pace } = self;
        loop {
            while {
                let state = cluster.lock();
                state.check_alive(process).is_ok() && !state.group.has_event(*member)
            } {
                // A permit is kept for who is not waiting yet, and there is one that waits.
                wake.notified().await;
            }
            pace.wait(cluster, &cluster.options().group_latency_ms).await;
            let mut state = cluster.lock();
            state.check_reachable(process)?;
            // Gone again if the group has given up on this member meanwhile.
            if let Some(event) = state.group.take_event(*member) {
                state.note(format_args!("{process} hears {event:?}", event = Short(&event)));
                cluster.rest().notify_waiters();
                return Ok(event);
            }
        }
    }

    fn commit(&self, partition: u32, frontier: u64) {
        let mut state = self.cluster.lock();
        if state.check_alive(&self.process).is_ok() {
            state.group.committed.insert(partition, frontier);
        }
    }

    async fn leave(self) {
        let (cluster, process) = (&self.cluster, &self.process);
        let after_ms = cluster.lock().random.within(&cluster.options().group_latency_ms);
        sleep(Duration::from_millis(after_ms)).await;
        let mut state = cluster.lock();
        // Unheard, it is as if this member were dropped: the session timeout is the deadline.
        if state.check_alive(process).is_ok() && !state.group.is_isolated(&process.name) {
            state.group.remove(self.member);
            state.note(format_args!("{process} leaves as member {}", self.member));
            cluster.schedule_pass(&mut state);
        }
    }
}

impl Drop for SimulatedGroup {
    fn drop(&mut self) {
        // Without a runtime the simulation is over.
        if Handle::try_current().is_ok() && self.cluster.lock().group.has(self.member) {
            self.cluster.expire(vec![self.member]);
        }
    }
}

/// A group event as the event log shows it.
struct Short<'a>(&'a GroupEvent);

impl fmt::Debug for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            GroupEvent::Assigned(partitions) => write!(f, "assigned {partitions:?}"),
            GroupEvent::Revoked(partitions, _) => write!(f, "revoked {partitions:?}"),
        }
    }
}
