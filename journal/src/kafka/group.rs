//! A member of the group that shares out a campaign's partitions.
//!
//! The group's broker side is Kafka's, classic protocol and cooperative-sticky. The member's
//! consumer never fetches: what is assigned is paused at once, and read by readers of their own.
//! Both sides of a move are acknowledged at once; two owners for a while are harmless.
//!
//! Invariant: events come in the order in which things happened, none is lost. The channel is
//! bounded; full, the member's thread waits, and a member that is not listened to for minutes is
//! taken for dead. Never here: a close that waits without a deadline.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};

use super::heard::Heard;
use super::member;
use super::membership::Membership;
use crate::{Error, Group, GroupEvent};

/// How many events may wait to be heard.
const EVENTS_MAX: usize = 64;

/// One member of a [`Kafka`](super::Kafka) journal's group. Dropping it leaves the group too, in
/// the background.
pub struct KafkaGroup {
    topic: Arc<str>,
    events: mpsc::Receiver<Result<GroupEvent, Error>>,
    shared: Arc<Shared>,
    left: oneshot::Receiver<()>,
}

/// What a member and its thread share.
pub(super) struct Shared {
    pub(super) leaving: AtomicBool,
    /// The consumer while there is one, for commits from elsewhere.
    pub(super) consumer: Mutex<Option<Arc<BaseConsumer<Membership>>>>,
}

impl fmt::Debug for KafkaGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaGroup").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    pub(super) fn set(&self, consumer: Option<Arc<BaseConsumer<Membership>>>) {
        *self.consumer.lock().unwrap_or_else(PoisonError::into_inner) = consumer;
    }
}

impl KafkaGroup {
    /// Joins. The thread ends once the member has left; `leave` waits for that up to its deadline.
    pub(super) fn join(config: ClientConfig, topic: Arc<str>, heard: &Arc<Heard>) -> Self {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let (gone, left) = oneshot::channel();
        let shared =
            Arc::new(Shared { leaving: AtomicBool::new(false), consumer: Mutex::default() });
        let (theirs, subscribed) = (Arc::clone(&shared), Arc::clone(&topic));
        let (refused, heard) = (sender.clone(), Arc::clone(heard));
        let spawned = thread::Builder::new().name("kafka-group".to_owned()).spawn(move || {
            member::serve(&config, &subscribed, &theirs, (&sender, &heard));
            // Nobody may be waiting for it.
            let _ = gone.send(());
        });
        if let Err(error) = spawned {
            let error = Error::Unavailable(format!("no thread for Kafka: {error}"));
            // The channel is new and empty.
            drop(refused.try_send(Err(error)));
        }
        Self { topic, events, shared, left }
    }
}

impl Group for KafkaGroup {
    async fn next(&mut self) -> Result<GroupEvent, Error> {
        let gone = || Err(Error::Unavailable("the member's thread has ended".to_owned()));
        self.events.recv().await.unwrap_or_else(gone)
    }

    fn commit(&self, partition: u32, frontier: u64) {
        let consumer = self.shared.consumer.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(consumer), Ok(partition), Ok(frontier)) =
            (&*consumer, i32::try_from(partition), i64::try_from(frontier))
        else {
            return;
        };
        let mut list = TopicPartitionList::with_capacity(1);
        let added = list.add_partition_offset(&self.topic, partition, Offset::Offset(frontier));
        let told = added.and_then(|()| consumer.commit(&list, CommitMode::Async));
        if let Err(error) = told {
            tracing::debug!(%error, partition, "the group was not told a frontier");
        }
    }

    async fn leave(mut self) {
        self.shared.leaving.store(true, Ordering::SeqCst);
        // A thread that waits for room in the channel must not wait any longer.
        self.events.close();
        // An error says that the thread is gone already. It has a deadline of its own.
        drop((&mut self.left).await);
    }
}

impl Drop for KafkaGroup {
    fn drop(&mut self) {
        self.shared.leaving.store(true, Ordering::SeqCst);
    }
}
