//! The thread of a group's member: makes the consumer, polls it, closes it within a deadline.
//!
//! Invariant: whatever ends a consumer, what it owned is told as revoked. A consumer that has
//! failed for good is replaced by a new one. Never here: work of the partitions themselves; a
//! callback only notes what happened.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use super::group::Shared;
use super::logging;
use super::options::not_made;
use crate::{Error, GroupEvent, acknowledgement};

/// How long the thread waits for events before it looks whether it is to leave.
const POLL: Duration = Duration::from_millis(50);
/// What leaving may take. After that the group waits for the session timeout.
const CLOSE_MAX: Duration = Duration::from_secs(2);
/// The pause before a consumer that could not be made, or has failed for good, is made anew.
const TRY_AGAIN: Duration = Duration::from_secs(1);

pub(super) type Events = Sender<Result<GroupEvent, Error>>;
type Consumer = BaseConsumer<Membership>;

/// Notes what the group says, and answers it at once.
pub(super) struct Membership {
    events: Events,
    owned: Mutex<BTreeSet<u32>>,
}

impl Membership {
    fn owned(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells an event. An error means that nobody listens any more.
    fn tell(&self, event: Result<GroupEvent, Error>) {
        drop(self.events.blocking_send(event));
    }

    fn assign(&self, consumer: &Consumer, list: &mut TopicPartitionList) -> KafkaResult<()> {
        // Where it would read from if it did: nowhere, not even for the moment before the pause.
        list.set_all_offsets(Offset::End)?;
        consumer.incremental_assign(list)?;
        consumer.pause(list)?;
        let partitions: Vec<u32> = partitions(list).filter(|p| self.owned().insert(*p)).collect();
        if !partitions.is_empty() {
            self.tell(Ok(GroupEvent::Assigned(partitions)));
        }
        Ok(())
    }

    fn revoke(&self, partitions: Vec<u32>) {
        if !partitions.is_empty() {
            // The group was answered already: nobody waits for this acknowledgement.
            let (acknowledge, _nobody) = acknowledgement();
            self.tell(Ok(GroupEvent::Revoked(partitions, acknowledge)));
        }
    }

    fn revoke_everything(&self) {
        let owned = mem::take(&mut *self.owned());
        self.revoke(owned.into_iter().collect());
    }
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        logging::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "a member of a group");
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for Membership {
    fn rebalance(&self, consumer: &Consumer, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            if let Err(error) = self.assign(consumer, list) {
                self.tell(Err(Error::Unavailable(format!("not assigned: {error}"))));
            }
            return;
        }
        if let Err(error) = consumer.incremental_unassign(list) {
            tracing::warn!(%error, "a revocation was not acknowledged");
        }
        let revoked = partitions(list).filter(|p| self.owned().remove(p)).collect();
        self.revoke(revoked);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            // Only monitors read it, and the next flush says more.
            tracing::debug!(%error, "the group was not told a frontier");
        }
    }
}

fn partitions(list: &TopicPartitionList) -> impl Iterator<Item = u32> {
    let partitions = list.elements();
    partitions.into_iter().filter_map(|element| u32::try_from(element.partition()).ok())
}

/// Is a member until it is to leave.
pub(super) fn serve(config: &ClientConfig, topic: &str, shared: &Shared, events: &Events) {
    while !shared.is_leaving() && !events.is_closed() {
        let context = Membership { events: events.clone(), owned: Mutex::default() };
        let made = Consumer::from_config_and_context(config, context);
        let consumer = match made.map_err(|error| not_made(&error)) {
            Ok(consumer) => Arc::new(consumer),
            Err(error) => {
                drop(events.blocking_send(Err(error)));
                thread::park_timeout(TRY_AGAIN);
                continue;
            }
        };
        if let Err(error) = consumer.subscribe(&[topic]) {
            drop(events.blocking_send(Err(Error::Refused(error.to_string()))));
            close(consumer);
            thread::park_timeout(TRY_AGAIN);
            continue;
        }
        shared.set(Some(Arc::clone(&consumer)));
        let failed = poll(&consumer, shared);
        shared.set(None);
        if let Some(why) = failed {
            consumer.context().revoke_everything();
            consumer.context().tell(Err(Error::Unavailable(why)));
            thread::park_timeout(TRY_AGAIN);
        }
        close(consumer);
    }
}

/// Polls until it is to leave, or the consumer has failed for good.
fn poll(consumer: &Consumer, shared: &Shared) -> Option<String> {
    while !shared.is_leaving() {
        match consumer.poll(POLL) {
            None | Some(Ok(_)) => {}
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                return Some(format!("the member failed for good: {code}"));
            }
            // librdkafka deals with it, or tells it again.
            Some(Err(error)) => tracing::debug!(%error, "a member of a group"),
        }
    }
    None
}

/// Leaves the group, for at most [`CLOSE_MAX`].
fn close(consumer: Arc<Consumer>) {
    let deadline = Instant::now() + CLOSE_MAX;
    if let Err(error) = consumer.close_queue() {
        tracing::warn!(%error, "the group was not left");
    }
    while !consumer.closed() {
        if Instant::now() >= deadline {
            tracing::warn!("the group was not left in time, it waits for the session timeout");
            // Dropping it would wait without a deadline. It is lost once per process that ends.
            mem::forget(consumer);
            return;
        }
        // Revocations come here, and are acknowledged like any.
        drop(consumer.poll(POLL));
    }
}
