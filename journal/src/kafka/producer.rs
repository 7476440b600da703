//! The one producer of a process: takes records for all campaigns, and answers each once the
//! brokers have.
//!
//! Invariant: a record is acknowledged only by a delivery report that names its offset, within the
//! deadline; a report that comes later goes nowhere. Never here: a wait for room (a full queue
//! refuses), or a second attempt of our own.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::Message;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Timestamp};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::options::{KafkaOptions, not_made};
use super::{fate, logging};
use crate::{AppendError, Error};

/// How long the thread deals with reports before it looks whether it is still needed, or has failed
/// for good. rdkafka waits in whole milliseconds and spins through what is left of the last one: at
/// 100 ms that was 0.9 % of a core for an idle process. The bit beyond ends a wait behind its end.
const POLL: Duration = Duration::from_micros(500_200);
/// How long a producer that has failed for good waits to be made anew: at first, and at most.
const RENEW_AFTER: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

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
struct Reports;

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        logging::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "the producer");
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
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

type Native = BaseProducer<Reports>;

/// The producer. Its thread ends by itself when this is dropped; nobody joins it.
pub(super) struct Producer {
    state: Arc<State>,
    append_timeout: Duration,
}

struct State {
    config: ClientConfig,
    current: RwLock<Arc<Native>>,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("append_timeout", &self.append_timeout).finish()
    }
}

impl Producer {
    pub(super) fn new(options: &KafkaOptions) -> Result<Self, Error> {
        let config = options.producer();
        let native = make(&config).map_err(|error| not_made(&error))?;
        let state = Arc::new(State { config, current: RwLock::new(Arc::new(native)) });
        let weak = Arc::downgrade(&state);
        let thread = thread::Builder::new().name("kafka-producer".to_owned());
        let spawned = thread.spawn(move || serve(&weak));
        spawned.map_err(|error| Error::Unavailable(format!("no thread for Kafka: {error}")))?;
        Ok(Self { state, append_timeout: options.append_timeout })
    }

    /// Sends a record and waits for its fate, up to the deadline.
    pub(super) async fn send(&self, record: Outgoing<'_>) -> Report {
        let (sender, report) = oneshot::channel();
        self.take(record, sender)?;
        match timeout(self.append_timeout, report).await {
            Ok(Ok(report)) => report,
            Ok(Err(_)) => Err(AppendError::InDoubt("the producer was dropped".to_owned())),
            Err(_) => Err(AppendError::InDoubt(format!(
                "no report within {} ms",
                self.append_timeout.as_millis()
            ))),
        }
    }

    /// Puts a record into the producer's queue, or refuses it at once.
    fn take(
        &self,
        record: Outgoing<'_>,
        sender: oneshot::Sender<Report>,
    ) -> Result<(), AppendError> {
        let mut outgoing: BaseRecord<'_, str, [u8], _> =
            BaseRecord::with_opaque_to(record.topic, Box::new(sender)).partition(record.partition);
        outgoing.key = record.key;
        outgoing.payload = record.value;
        outgoing.timestamp = record.timestamp_ms;
        // What was not taken into the queue is certainly not in the log, whatever the reason.
        let taken = self.state.current().send(outgoing);
        taken.map_err(|(error, _record)| AppendError::Refused(error.to_string()))
    }
}

fn make(config: &ClientConfig) -> Result<Native, KafkaError> {
    Native::from_config_and_context(config, Reports)
}

impl State {
    fn current(&self) -> Arc<Native> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a new producer in the place of one that has failed for good. What the old one held is
    /// reported as in doubt when it is dropped. Answers whether it worked.
    fn renew(&self) -> bool {
        match make(&self.config) {
            Ok(native) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(native);
                true
            }
            Err(error) => {
                tracing::error!(%error, "no new producer could be made, appends are refused");
                false
            }
        }
    }
}

/// Polls for reports until the producer is no longer needed. The last handle is then nearly always
/// this thread's, so that its drop, which waits for half a second, holds up nobody.
fn serve(state: &Weak<State>) {
    let mut renew_at: Option<Instant> = None;
    let mut renew_after = RENEW_AFTER.0;
    while let Some(state) = state.upgrade() {
        let native = state.current();
        native.poll(if renew_at.is_some() { RENEW_AFTER.0 } else { POLL });
        let Some((code, why)) = native.client().fatal_error() else {
            renew_at = None;
            continue;
        };
        let now = Instant::now();
        match renew_at {
            None => {
                tracing::error!(%code, why, "the producer has failed for good, making a new one");
                renew_at = Some(now + renew_after);
            }
            Some(at) if at <= now => {
                renew_after = (renew_after * 2).min(RENEW_AFTER.1);
                renew_at = if state.renew() { None } else { Some(now + renew_after) };
            }
            Some(_) => {}
        }
    }
}
