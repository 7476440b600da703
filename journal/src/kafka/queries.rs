//! Questions to the brokers that librdkafka answers only by blocking: offsets and topics.
//!
//! One thread of one client asks them in turn; the client reads nothing, because a broker answers a
//! connection's requests in order and a question would wait for the fetch before it.
//!
//! Invariant: an asker hears within `ANSWER_MAX`. The queue is bounded: full, the answer is
//! "unavailable" at once. Never here: a read of records.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::metadata::MetadataPartition;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::heard::Heard;
use super::logging::Logging;
use super::options::{KafkaOptions, not_made};
use crate::Error;

/// How many questions may wait.
const QUEUE_MAX: usize = 64;
/// What one question may take.
const QUESTION_MAX: Duration = Duration::from_secs(5);
/// What an asker waits at most, the questions before its own included.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long a partition without a leader is asked again, and after what pause. Elections take
/// seconds only when a broker has died; then the asker tries again by itself.
const LEADER_MAX: Duration = Duration::from_secs(2);
const LEADER_PAUSE: Duration = Duration::from_millis(30);
/// How long a broker may take to hear of a topic that another one has made, and the pause between
/// two looks.
pub(super) const HEARD_OF_MAX: Duration = Duration::from_secs(2);
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How often the client's events are served while nobody asks.
const IDLE: Duration = Duration::from_millis(200);

type Client = BaseConsumer<Logging>;
type Question = Box<dyn FnOnce(&Client) + Send>;

/// Asks questions. The thread ends by itself with the last of these; nobody joins it.
#[derive(Clone)]
pub(super) struct Queries {
    questions: SyncSender<Question>,
    heard: Arc<Heard>,
}

impl fmt::Debug for Queries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queries")
    }
}

/// A topic as the brokers describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    pub(super) partitions: u32,
    /// The replicas of the partition that has the fewest.
    pub(super) replicas: u32,
    /// Whether every partition has a leader.
    pub(super) is_led: bool,
    /// How many have none.
    pub(super) offline: u32,
    /// How many have a replica that is not in sync.
    pub(super) under_replicated: u32,
}

impl Queries {
    pub(super) fn new(options: &KafkaOptions, heard: &Arc<Heard>) -> Result<Self, Error> {
        let context = Logging::new("the client for questions", heard);
        let client = Client::from_config_and_context(&options.queries(), context);
        let client = client.map_err(|error| not_made(&error))?;
        let (sender, questions) = sync_channel(QUEUE_MAX);
        let thread = thread::Builder::new().name("kafka-queries".to_owned());
        let spawned = thread.spawn(move || serve(&client, &questions));
        spawned.map_err(|error| Error::Unavailable(format!("no thread for Kafka: {error}")))?;
        Ok(Self { questions: sender, heard: Arc::clone(heard) })
    }

    /// The first offset of a partition, and the one its next record will have.
    pub(super) async fn bounds(
        &self,
        topic: &Arc<str>,
        partition: i32,
    ) -> Result<Range<u64>, Error> {
        let topic = Arc::clone(topic);
        self.ask(move |client| {
            // Start first: a log that is cut in between gives a range that was never too large.
            let start = offset(client, &topic, partition, Offset::Beginning)?;
            let end = offset(client, &topic, partition, Offset::End)?;
            match (start, end) {
                (Some(start), Some(end)) => Ok(start..end.max(start)),
                (None, _) | (_, None) => {
                    Err(Error::Unavailable(format!("{topic} partition {partition} has no bounds")))
                }
            }
        })
        .await
    }

    /// The first offset at or after a time, if there is one.
    pub(super) async fn at_time(
        &self,
        topic: &Arc<str>,
        partition: i32,
        timestamp_ms: i64,
    ) -> Result<Option<u64>, Error> {
        let topic = Arc::clone(topic);
        // Times below 0 mean something else to Kafka, and no record has one.
        let time = Offset::Offset(timestamp_ms.max(0));
        self.ask(move |client| offset(client, &topic, partition, time)).await
    }

    /// A topic, if there is one of that name.
    pub(super) async fn topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        let name = name.to_owned();
        self.ask(move |client| topic(client, &name)).await
    }

    /// The same of a topic that should be there: it may have been made a moment ago.
    pub(super) async fn made_topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        let deadline = Instant::now() + HEARD_OF_MAX;
        loop {
            let found = self.topic(name).await?;
            if found.is_some() || Instant::now() >= deadline {
                return Ok(found);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// The names of all topics.
    pub(super) async fn topics(&self) -> Result<Vec<String>, Error> {
        self.ask(|client| {
            let metadata = client.fetch_metadata(None, QUESTION_MAX);
            let metadata = metadata.map_err(|error| Error::Unavailable(error.to_string()))?;
            Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
        })
        .await
    }

    /// The brokers' numbers, hosts and ports, as the cluster names them.
    pub(super) async fn brokers(&self) -> Result<Vec<(i32, String, i32)>, Error> {
        self.ask(|client| {
            let metadata = client.fetch_metadata(None, QUESTION_MAX);
            let metadata = metadata.map_err(|error| Error::Unavailable(error.to_string()))?;
            let brokers = metadata.brokers().iter();
            Ok(brokers.map(|one| (one.id(), one.host().to_owned(), one.port())).collect())
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Client) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, answer) = oneshot::channel();
        let question = move |client: &Client| {
            // Whoever asked may have stopped waiting; then it need not be asked at all.
            if !sender.is_closed() {
                drop(sender.send(question(client)));
            }
        };
        let too_many = |_| Error::Unavailable(format!("{QUEUE_MAX} questions wait for Kafka"));
        self.questions.try_send(Box::new(question)).map_err(too_many)?;
        let answer = match self.heard.answer(ANSWER_MAX, answer).await {
            Some(Ok(answer)) => answer,
            Some(Err(_)) => Err(Error::Unavailable("Kafka was not asked".to_owned())),
            None => Err(Error::Unavailable("Kafka did not answer in time".to_owned())),
        };
        answer.map_err(|error| match error {
            Error::Unavailable(why) => Error::Unavailable(self.heard.explain(why)),
            Error::OutOfRange { .. } | Error::Refused(_) => error,
        })
    }
}

/// Asks what is waiting until nobody can ask any more, and serves the client's events in between.
fn serve(client: &Client, questions: &Receiver<Question>) {
    loop {
        match questions.recv_timeout(IDLE) {
            Ok(question) => question(client),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while let Some(event) = client.poll(Duration::ZERO) {
            tracing::debug!(error = ?event.err(), "the client for questions");
        }
    }
}

/// The offset of a place or a time. While a partition is between two leaders it is asked again.
fn offset(
    client: &Client,
    topic: &str,
    partition: i32,
    place: Offset,
) -> Result<Option<u64>, Error> {
    let deadline = Instant::now() + LEADER_MAX;
    loop {
        let error = match offset_once(client, topic, partition, place) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        if !is_between_leaders(&error) || Instant::now() >= deadline {
            return Err(Error::Unavailable(error.to_string()));
        }
        // The pause; nothing is ever fetched here.
        drop(client.poll(LEADER_PAUSE));
        // Its only use is that librdkafka remembers the new leaders.
        drop(client.fetch_metadata(Some(topic), QUESTION_MAX));
    }
}

/// Whether another broker, or the same a moment later, may well answer.
fn is_between_leaders(error: &KafkaError) -> bool {
    error.rdkafka_error_code().is_some_and(|code| {
        [
            RDKafkaErrorCode::NotLeaderForPartition,
            RDKafkaErrorCode::LeaderNotAvailable,
            RDKafkaErrorCode::ReplicaNotAvailable,
            RDKafkaErrorCode::OffsetNotAvailable,
            RDKafkaErrorCode::FencedLeaderEpoch,
            RDKafkaErrorCode::UnknownLeaderEpoch,
            RDKafkaErrorCode::UnknownTopicOrPartition,
        ]
        .contains(&code)
    })
}

fn offset_once(
    client: &Client,
    topic: &str,
    partition: i32,
    place: Offset,
) -> Result<Option<u64>, KafkaError> {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition_offset(topic, partition, place)?;
    let found = client.offsets_for_times(list, QUESTION_MAX)?;
    let elements = found.elements();
    let Some(element) = elements.first() else { return Ok(None) };
    element.error()?;
    match element.offset() {
        Offset::Offset(offset) => Ok(u64::try_from(offset).ok()),
        // The brokers say "at the end" if no record is as late.
        Offset::End
        | Offset::Beginning
        | Offset::Stored
        | Offset::Invalid
        | Offset::OffsetTail(_) => Ok(None),
    }
}

fn topic(client: &Client, name: &str) -> Result<Option<Topic>, Error> {
    let metadata = client.fetch_metadata(Some(name), QUESTION_MAX);
    let metadata = metadata.map_err(|error| Error::Unavailable(error.to_string()))?;
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
        return Ok(None);
    };
    match topic.error() {
        None => {}
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => return Ok(None),
        Some(error) => {
            let error = RDKafkaErrorCode::from(error);
            return Err(Error::Unavailable(format!("{name}: {error}")));
        }
    }
    let partitions = topic.partitions();
    let replicas = partitions.iter().map(|partition| partition.replicas().len()).min();
    let count = |is: fn(&MetadataPartition) -> bool| {
        u32::try_from(partitions.iter().filter(|one| is(one)).count()).unwrap_or(u32::MAX)
    };
    let offline = count(|partition| partition.leader() < 0);
    Ok(Some(Topic {
        partitions: u32::try_from(partitions.len()).unwrap_or(u32::MAX),
        replicas: replicas.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        is_led: offline == 0,
        offline,
        under_replicated: count(|partition| partition.isr().len() < partition.replicas().len()),
    }))
}
