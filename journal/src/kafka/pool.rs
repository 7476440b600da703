//! The consumers that all readers of a process share.
//!
//! A consumer holds one position per partition, so a reader takes the first consumer without a
//! reader on its partition. Messages of a partition come through that partition's own queue: it is
//! bounded by librdkafka, fetching stops when it is full, and its reader empties it without a
//! thread in between.
//!
//! Invariant: a place is free for the next reader only after the last one's assignment and queue
//! are gone. Never here: more than `CONSUMERS_MAX` consumers.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message as _, Offset, TopicPartitionList};
use tokio::sync::Notify;

use super::heard::Heard;
use super::logging::Logging;
use super::options::not_made;
use crate::Error;

/// How many readers one partition may have at a time. Each consumer costs a few threads and
/// connections; a process has a worker and now and then a receipt on a partition.
const CONSUMERS_MAX: usize = 8;
/// How long a consumer's thread waits for events before it looks whether it is still needed.
const POLL: Duration = Duration::from_millis(200);

type Place = (Arc<str>, i32);

/// The consumers. Their threads end by themselves when the pool and all readers are gone; nobody
/// joins them.
pub(super) struct Pool {
    config: ClientConfig,
    heard: Arc<Heard>,
    consumers: Mutex<Vec<Pooled>>,
}

struct Pooled {
    consumer: Arc<BaseConsumer<Logging>>,
    taken: BTreeSet<Place>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("consumers", &self.lock().len()).finish()
    }
}

impl Pool {
    /// A pool with its first consumer, so that what is wrong with the properties shows at once.
    pub(super) fn new(config: ClientConfig, heard: &Arc<Heard>) -> Result<Arc<Self>, Error> {
        let first = Pooled { consumer: consumer(&config, heard)?, taken: BTreeSet::new() };
        let (heard, consumers) = (Arc::clone(heard), Mutex::new(vec![first]));
        Ok(Arc::new(Self { config, heard, consumers }))
    }

    /// Begins to read a partition at an offset.
    pub(super) fn attach(
        self: &Arc<Self>,
        topic: &Arc<str>,
        partition: i32,
        offset: i64,
    ) -> Result<Attachment, Error> {
        let place = (Arc::clone(topic), partition);
        let (number, consumer) = self.reserve(&place)?;
        let mut attachment = Attachment {
            pool: Arc::clone(self),
            number,
            place,
            consumer,
            queue: None,
            arrived: Arc::new(Notify::new()),
        };
        attachment.start(offset)?;
        Ok(attachment)
    }

    /// Takes a place on the first consumer where it is free. Makes a consumer if need be, which
    /// takes about a millisecond.
    fn reserve(&self, place: &Place) -> Result<(usize, Arc<BaseConsumer<Logging>>), Error> {
        let mut consumers = self.lock();
        let free = consumers.iter().position(|pooled| !pooled.taken.contains(place));
        let number = match free {
            Some(number) => number,
            None if consumers.len() < CONSUMERS_MAX => {
                let consumer = consumer(&self.config, &self.heard)?;
                consumers.push(Pooled { consumer, taken: BTreeSet::new() });
                consumers.len() - 1
            }
            None => {
                let (topic, partition) = place;
                return Err(Error::Unavailable(format!(
                    "{topic} partition {partition} has {CONSUMERS_MAX} readers already"
                )));
            }
        };
        let pooled = &mut consumers[number];
        pooled.taken.insert(place.clone());
        Ok((number, Arc::clone(&pooled.consumer)))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Pooled>> {
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader's place on a consumer. Dropping it gives the place back.
pub(super) struct Attachment {
    pool: Arc<Pool>,
    number: usize,
    place: Place,
    consumer: Arc<BaseConsumer<Logging>>,
    queue: Option<PartitionQueue<Logging>>,
    arrived: Arc<Notify>,
}

impl Attachment {
    fn start(&mut self, offset: i64) -> Result<(), Error> {
        let (topic, partition) = &self.place;
        let refused = |error: KafkaError| Error::Unavailable(error.to_string());
        // Before the assignment, so that nothing ever goes to the consumer's common queue.
        let queue = self.consumer.split_partition_queue(topic, *partition);
        let mut queue = queue.ok_or_else(|| {
            Error::Unavailable(format!("{topic} partition {partition} has no queue"))
        })?;
        let arrived = Arc::clone(&self.arrived);
        queue.set_nonempty_callback(move || arrived.notify_one());
        self.queue = Some(queue);
        let mut list = TopicPartitionList::with_capacity(1);
        let added = list.add_partition_offset(topic, *partition, Offset::Offset(offset));
        added.map_err(refused)?;
        self.consumer.incremental_assign(&list).map_err(refused)
    }

    /// The next message or error that is there, without waiting.
    pub(super) fn poll(&self) -> Option<KafkaResult<BorrowedMessage<'_>>> {
        self.queue.as_ref().and_then(|queue| queue.poll(Duration::ZERO))
    }

    /// Waits until something may have come since `poll` found nothing.
    pub(super) async fn arrival(&self) {
        self.arrived.notified().await;
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({} {}, consumer {})", self.place.0, self.place.1, self.number)
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let (topic, partition) = &self.place;
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(topic, *partition);
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            // It was never assigned, or the client is gone for good.
            tracing::debug!(%error, topic = &**topic, partition, "not unassigned");
        }
        // Its drop takes the callback off the partition's queue, which the next reader shares.
        drop(self.queue.take());
        self.pool.lock()[self.number].taken.remove(&self.place);
    }
}

fn consumer(
    config: &ClientConfig,
    heard: &Arc<Heard>,
) -> Result<Arc<BaseConsumer<Logging>>, Error> {
    let context = Logging::new("a reader", heard);
    let consumer = BaseConsumer::from_config_and_context(config, context);
    let consumer = Arc::new(consumer.map_err(|error| not_made(&error))?);
    let weak = Arc::downgrade(&consumer);
    let spawned = thread::Builder::new().name("kafka-reader".to_owned()).spawn(|| serve(weak));
    spawned.map_err(|error| Error::Unavailable(format!("no thread for Kafka: {error}")))?;
    Ok(consumer)
}

/// Serves a consumer's events until it is no longer needed. The last handle is then nearly always
/// this thread's, so that closing it holds up nobody.
fn serve(consumer: Weak<BaseConsumer<Logging>>) {
    while let Some(consumer) = consumer.upgrade() {
        match consumer.poll(POLL) {
            None => {}
            // The reader finds the gap and starts over; it should not happen.
            Some(Ok(message)) => tracing::warn!(
                topic = message.topic(),
                partition = message.partition(),
                offset = message.offset(),
                "a message came astray"
            ),
            Some(Err(error)) => tracing::debug!(%error, "a reading consumer"),
        }
    }
}
