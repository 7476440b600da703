//! Members of a group on a real broker.

use std::collections::BTreeSet;
use std::time::Duration;

use journal::{Group, GroupEvent, Journal, KafkaGroup};
use tokio::time::{Instant, timeout};

use crate::conformance::{Harness, within};
use crate::kit::Campaigns;

const PARTITIONS: u32 = 12;

struct Member {
    group: KafkaGroup,
    owned: BTreeSet<u32>,
}

impl Member {
    fn join(journal: &impl Journal<Group = KafkaGroup>) -> Self {
        Self { group: journal.join(), owned: BTreeSet::new() }
    }

    async fn until_it_owns(&mut self, count: usize) {
        while self.owned.len() != count {
            match self.group.next().await.unwrap() {
                GroupEvent::Assigned(partitions) => {
                    for partition in partitions {
                        assert!(self.owned.insert(partition), "{partition} was its own already");
                    }
                }
                GroupEvent::Revoked(partitions, _acknowledge) => {
                    for partition in partitions {
                        assert!(self.owned.remove(&partition), "{partition} was not its own");
                    }
                }
            }
        }
    }
}

pub(crate) async fn members_share_partitions_and_hand_them_over(campaigns: &Campaigns) {
    let journal = campaigns.new_journal(PARTITIONS).await;
    let started = Instant::now();
    let mut first = Member::join(&journal);
    within(campaigns, "the first assignment", first.until_it_owns(12)).await;
    eprintln!("first member assigned after {:?}", started.elapsed());

    let joined = Instant::now();
    let mut second = Member::join(&journal);
    let both = async { tokio::join!(first.until_it_owns(6), second.until_it_owns(6)) };
    within(campaigns, "both own half", both).await;
    eprintln!("second member has its share after {:?}", joined.elapsed());
    assert!(first.owned.is_disjoint(&second.owned));

    // Commits are for monitors only; none waits, and none disturbs.
    first.group.commit(0, 7);
    second.group.commit(0, 8);
    let left = Instant::now();
    first.group.leave().await;
    eprintln!("left after {:?}", left.elapsed());
    within(campaigns, "the second member takes over", second.until_it_owns(12)).await;
    eprintln!("taken over {:?} after leaving began", left.elapsed());
    second.group.leave().await;
}

pub(crate) async fn a_member_that_is_dropped_leaves_in_the_background(campaigns: &Campaigns) {
    let journal = campaigns.new_journal(2).await;
    let mut first = Member::join(&journal);
    within(campaigns, "the first assignment", first.until_it_owns(2)).await;
    let mut second = Member::join(&journal);
    let dropped = Instant::now();
    drop(first);
    // Much sooner than the session timeout of 6 s would have it.
    let taken = timeout(Duration::from_secs(5), second.until_it_owns(2)).await;
    assert!(taken.is_ok(), "{:?}", second.owned);
    eprintln!("taken over {:?} after a drop", dropped.elapsed());
    second.group.leave().await;
}
