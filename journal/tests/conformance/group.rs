//! Cases on the group that shares out the partitions.

use std::collections::BTreeSet;

use journal::{Group, GroupEvent, Journal};

use super::{Harness, within};

const PARTITIONS: u32 = 4;

/// A member and what it owns.
struct Member<G> {
    group: G,
    owned: BTreeSet<u32>,
}

impl<G: Group> Member<G> {
    fn join<J: Journal<Group = G>>(journal: &J) -> Self {
        Self { group: journal.join(), owned: BTreeSet::new() }
    }

    /// Follows one change.
    async fn step(&mut self) {
        match self.group.next().await.unwrap() {
            GroupEvent::Assigned(partitions) => {
                for partition in partitions {
                    assert!(partition < PARTITIONS);
                    assert!(self.owned.insert(partition), "{partition} was its own already");
                }
            }
            GroupEvent::Revoked(partitions, acknowledge) => {
                for partition in partitions {
                    assert!(self.owned.remove(&partition), "{partition} was not its own");
                }
                acknowledge.acknowledge();
            }
        }
    }

    async fn until_it_owns_all(&mut self) {
        while self.owned.len() < usize::try_from(PARTITIONS).unwrap() {
            self.step().await;
        }
    }
}

pub(crate) async fn a_lone_member_is_assigned_every_partition<H: Harness>(harness: &H) {
    let journal = harness.new_journal(PARTITIONS).await;
    let mut member = Member::join(&journal);
    within(harness, "an assignment", member.until_it_owns_all()).await;
    member.group.commit(0, 0);
    within(harness, "leaving", member.group.leave()).await;
}

pub(crate) async fn when_members_come_and_go_every_partition_has_an_owner_in_the_end<H: Harness>(
    harness: &H,
) {
    let journal = harness.new_journal(PARTITIONS).await;
    let mut first = Member::join(&journal);
    within(harness, "the first member's assignment", first.until_it_owns_all()).await;

    // A second member joins. Whether it is given anything is the journal's affair; when the first
    // has left, all is the second's.
    let mut second = Member::join(&journal);
    let leaving = async { tokio::join!(first.group.leave(), second.until_it_owns_all()) };
    within(harness, "the second member's assignment", leaving).await;

    // A third member joins and leaves again: the second owns everything in the end, whatever moved
    // in between.
    let third = Member::join(&journal);
    let leaving = async { tokio::join!(third.group.leave(), second.until_it_owns_all()) };
    within(harness, "the assignment after a member left", leaving).await;
}
