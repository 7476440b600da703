//! What a schedule does to a simulated cluster: crashes, stalls, compaction, retention, and the
//! group's troubles.
//!
//! Each takes effect where it is called, but for what the group does about it. Names are those
//! given to [`Cluster::process`]. Never here: anything that a real cluster could not do.

use std::time::Duration;

use tokio::time::Instant;

use super::{Cluster, Faults, State};

impl Cluster {
    /// Ends every life of the process `name`. What of it is under way lands, or does not, by seed;
    /// old handles fail; the group hears nothing and notices after the session timeout.
    pub fn crash(&self, name: &str) {
        let mut state = self.lock();
        let State { alive, under_way, random, group, .. } = &mut *state;
        let last = alive.iter().rev().find(|(_, n)| &***n == name).map(|(i, _)| *i);
        let Some(last) = last else { return };
        let dead: Vec<u64> = alive.iter().filter(|(_, n)| &***n == name).map(|(i, _)| *i).collect();
        alive.retain(|incarnation, _| !dead.contains(incarnation));
        under_way.retain(|_, by| !dead.contains(by) || random.chance(500));
        let members = group.members_of(name, last);
        state.note(format_args!("{name} crashes"));
        drop(state);
        self.expire(members);
        // Its waiting readers hear of it.
        self.0.arrivals.values().for_each(tokio::sync::Notify::notify_waiters);
        self.publications().notify_waiters();
        self.rest().notify_waiters();
    }

    /// Stalls the cluster until `until`: no write lands or is answered, reads go on. A stall that
    /// is longer already stays.
    pub fn stall_until(&self, until: Instant) {
        let mut state = self.lock();
        state.stalled_until = state.stalled_until.max(Some(until));
        let for_ms = until.saturating_duration_since(Instant::now()).as_millis();
        state.note(format_args!("stalls for {for_ms} ms"));
    }

    /// Stalls the cluster for a while, as [`Cluster::stall_until`].
    pub fn stall(&self, duration: Duration) {
        self.stall_until(Instant::now() + duration);
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.lock();
        state.faults = faults;
        state.note(format_args!("{faults:?}"));
    }

    /// Keeps only the last snapshot of each partition in log order.
    pub fn compact(&self) {
        self.lock().compact();
    }

    /// Removes a partition's records below `offset`, as retention would.
    pub fn delete_before(&self, partition: u32, offset: u64) {
        let mut state = self.lock();
        if let Some(log) = state.logs.get_mut(&partition) {
            log.delete_before(offset);
            state.note(format_args!("p{partition} loses what is below {offset}"));
        }
        drop(state);
        // Who waits at an end that is now below the start has an answer.
        if let Some(arrivals) = self.arrivals(partition) {
            arrivals.notify_waiters();
        }
    }

    /// Moves a partition away from the process `name`, if it rests there and another member is.
    /// Alone, `name` gets it back.
    pub fn revoke(&self, name: &str, partition: u32) {
        let mut state = self.lock();
        let revoked = state.group.revoke_from(name, partition);
        state.note(format_args!("p{partition} is to leave {name}: {}", revoked.is_some()));
        drop(state);
        revoked.into_iter().for_each(|move_| self.see_through(move_));
    }

    /// Revokes about half of the partitions from their owners and shares them out anew.
    pub fn rebalance(&self) {
        let mut state = self.lock();
        let State { group, random, .. } = &mut *state;
        let moves = group.shake(random);
        state.note(format_args!("rebalance with {} moves", moves.len()));
        drop(state);
        moves.into_iter().for_each(|move_| self.see_through(move_));
    }

    /// Cuts the process `name` off from the group and from nothing else, until [`Cluster::heal`].
    /// After the session timeout others own what it still believes to own.
    pub fn isolate(&self, name: &str) {
        let mut state = self.lock();
        let Some(isolation) = state.group.isolate(name) else {
            return;
        };
        state.note(format_args!("{name} is isolated"));
        drop(state);
        let name = name.to_owned();
        self.after(self.options().session_timeout_ms, move |cluster| {
            let mut state = cluster.lock();
            state.group.give_up(&name, isolation);
            cluster.schedule_pass(&mut state);
        });
    }

    /// Ends an isolation. A member that was taken for dead hears a revocation of all it held, and
    /// rejoins; one that was not hears what it has missed.
    pub fn heal(&self, name: &str) {
        let mut state = self.lock();
        state.group.heal(name);
        state.note(format_args!("{name} is healed"));
        self.schedule_pass(&mut state);
    }
}
