//! The group of an embedded journal: whoever joined first owns every partition, and when that
//! member leaves or is dropped, the next one does. One process has no use for sharing them out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::{Error, Group, GroupEvent};

#[derive(Debug)]
pub(super) struct Roster {
    partitions: u32,
    numbers: AtomicU64,
    /// Members in the order in which they joined; the first owns everything.
    members: watch::Sender<VecDeque<u64>>,
}

impl Roster {
    pub(super) fn new(partitions: u32) -> Self {
        let members = watch::Sender::new(VecDeque::new());
        Self { partitions, numbers: AtomicU64::new(0), members }
    }

    pub(super) fn join(self: &Arc<Self>) -> EmbeddedGroup {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        self.members.send_modify(|members| members.push_back(number));
        EmbeddedGroup { roster: Arc::clone(self), number, is_owner: false }
    }
}

/// A member of an [`Embedded`](super::Embedded) journal's group. It is assigned every partition at
/// once if it is the only one, else when those that joined before it are gone. Nothing is ever
/// revoked.
#[derive(Debug)]
pub struct EmbeddedGroup {
    roster: Arc<Roster>,
    number: u64,
    is_owner: bool,
}

impl Group for EmbeddedGroup {
    async fn next(&mut self) -> Result<GroupEvent, Error> {
        if self.is_owner {
            return std::future::pending().await;
        }
        let mut members = self.roster.members.subscribe();
        let first = members.wait_for(|members| members.front() == Some(&self.number)).await;
        first.map_err(|error| Error::Unavailable(error.to_string()))?;
        self.is_owner = true;
        Ok(GroupEvent::Assigned((0..self.roster.partitions).collect()))
    }

    fn commit(&self, _partition: u32, _frontier: u64) {}

    async fn leave(self) {}
}

impl Drop for EmbeddedGroup {
    fn drop(&mut self) {
        self.roster.members.send_modify(|members| members.retain(|number| *number != self.number));
    }
}
