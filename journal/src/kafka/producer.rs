//! The one producer of a process: takes records for all campaigns, and answers each once the
//! brokers have.
//!
//! Invariant: a record is acknowledged only by a delivery report that names its offset, within the
//! deadline; a report that comes later goes nowhere. Never here: a wait for room (a full queue
//! refuses), or a second attempt of our own.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::Message;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Timestamp};
use rdkafka::producer::{BaseRecord, ProducerContext};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fate;
use super::heard::Heard;
use super::native::{self, Running};
use super::options::KafkaOptions;
use super::statistics::Latest;
use crate::{AppendError, Error, Statistics};

/// What the log calls it.
pub(super) const CLIENT: &str = "the producer";

/// A record that is durable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivered {
    pub(super) offset: u64,
    pub(super) timestamp: Timestamp,
}

/// A record to send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) key: Option<&'a str>,
    pub(super) value: Option<&'a [u8]>,
    /// `None` where the broker's append time replaces it.
    pub(super) timestamp_ms: Option<i64>,
}

type Report = Result<Delivered, AppendError>;

/// Hands each delivery report to whoever waits for it.
#[derive(Clone)]
pub(super) struct Reports {
    pub(super) heard: Arc<Heard>,
    pub(super) latest: Arc<Latest>,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.heard.log(CLIENT, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.heard.error(CLIENT, &error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.latest.take(statistics);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<oneshot::Sender<Report>>;

    fn delivery(&self, result: &DeliveryResult<'_>, asker: Self::DeliveryOpaque) {
        let report = match result {
            // A retry that the broker knew as a duplicate is durable, but where is not said.
            Ok(message) => match u64::try_from(message.offset()) {
                Ok(offset) => Ok(Delivered { offset, timestamp: message.timestamp() }),
                Err(_) => Err(AppendError::InDoubt("no offset was reported".to_owned())),
            },
            Err((error, _message)) => Err(fate::of_report(error)),
        };
        // Whoever asked may have stopped waiting.
        drop(asker.send(report));
    }
}

/// The producer. It is made with the first record: whoever only reads may not be allowed to write,
/// and announces no producer.
pub(super) struct Producer {
    config: ClientConfig,
    reports: Reports,
    running: OnceLock<Arc<Running>>,
    /// Held by whoever makes it.
    starting: Mutex<()>,
    append_timeout: Duration,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("append_timeout", &self.append_timeout).finish()
    }
}

impl Producer {
    /// Checks the properties; connects to nothing.
    pub(super) fn new(options: &KafkaOptions, heard: &Arc<Heard>) -> Result<Self, Error> {
        let config = options.producer();
        native::check(&config, heard)?;
        Ok(Self {
            config,
            reports: Reports { heard: Arc::clone(heard), latest: Arc::default() },
            running: OnceLock::new(),
            starting: Mutex::default(),
            append_timeout: options.append_timeout,
        })
    }

    /// What the producer said last of its queue and connections.
    pub(super) fn statistics(&self) -> Option<Statistics> {
        self.reports.latest.newest()
    }

    fn running(&self) -> Result<&Running, Error> {
        if let Some(running) = self.running.get() {
            return Ok(running);
        }
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.running.get().is_none() {
            // The first one, as nobody else is here.
            drop(self.running.set(Running::start(&self.config, &self.reports)?));
        }
        let missing = || Error::Unavailable("there is no producer".to_owned());
        self.running.get().map(|running| &**running).ok_or_else(missing)
    }

    /// Sends a record and waits for its fate, up to the deadline.
    pub(super) async fn send(&self, record: Outgoing<'_>) -> Report {
        let (sender, report) = oneshot::channel();
        self.take(record, sender)?;
        match timeout(self.append_timeout, report).await {
            Ok(Ok(report)) => report,
            Ok(Err(_)) => Err(AppendError::InDoubt("the producer was dropped".to_owned())),
            Err(_) => {
                let sentence = format!("no report within {} ms", self.append_timeout.as_millis());
                Err(AppendError::InDoubt(self.reports.heard.explain(sentence)))
            }
        }
    }

    /// Puts a record into the producer's queue, or refuses it at once.
    fn take(
        &self,
        record: Outgoing<'_>,
        sender: oneshot::Sender<Report>,
    ) -> Result<(), AppendError> {
        // What was not taken into the queue is certainly not in the log, whatever the reason.
        let running = self.running().map_err(|error| AppendError::Refused(error.to_string()))?;
        let mut outgoing: BaseRecord<'_, str, [u8], _> =
            BaseRecord::with_opaque_to(record.topic, Box::new(sender)).partition(record.partition);
        outgoing.key = record.key;
        outgoing.payload = record.value;
        outgoing.timestamp = record.timestamp_ms;
        let taken = running.current().send(outgoing);
        taken.map_err(|(error, _record)| AppendError::Refused(error.to_string()))
    }
}
