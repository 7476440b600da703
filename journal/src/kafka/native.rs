//! The native producer behind `producer.rs`: made at its first use, polled by a thread, made anew
//! after it has failed for good.
//!
//! Invariant: what a producer that failed still held is reported as in doubt when it is dropped.
//! Never here: a record sent.

use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::Client;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::types::RDKafkaType;
use tokio::time::Instant;

use super::heard::Heard;
use super::logging::Logging;
use super::options::not_made;
use super::producer::{CLIENT, Reports};
use crate::Error;

/// How long the thread deals with reports before it looks whether it is still needed, or has failed
/// for good. rdkafka waits in whole milliseconds and spins through what is left of the last one: at
/// 100 ms that was 0.9 % of a core for an idle process. The bit beyond ends a wait behind its end.
const POLL: Duration = Duration::from_micros(500_200);
/// How long a producer that has failed for good waits to be made anew: at first, and at most.
const RENEW_AFTER: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// After how long without a failure the next one waits as at first again.
const WELL_AFTER: Duration = Duration::from_secs(60);

pub(super) type Native = BaseProducer<Reports>;

/// A native producer, and how to make the next. Its thread ends by itself when the last handle is
/// dropped; nobody joins it.
pub(super) struct Running {
    config: ClientConfig,
    reports: Reports,
    current: RwLock<Arc<Native>>,
}

/// Whether librdkafka takes these properties: asked of a client that knows no broker, so that
/// nothing is connected to, and no producer is announced.
///
/// # Errors
/// [`Error::Refused`] by the property.
pub(super) fn check(config: &ClientConfig, heard: &Arc<Heard>) -> Result<(), Error> {
    let mut alone = config.clone();
    alone.remove("bootstrap.servers");
    let native = alone.create_native_config();
    let kind = RDKafkaType::RD_KAFKA_PRODUCER;
    let made =
        native.and_then(|native| Client::new(&alone, native, kind, Logging::new(CLIENT, heard)));
    made.map(drop).map_err(|error| not_made(&error))
}

impl Running {
    /// Makes a producer and its thread; takes about a millisecond.
    pub(super) fn start(config: &ClientConfig, reports: &Reports) -> Result<Arc<Self>, Error> {
        let native = make(config, reports).map_err(|error| not_made(&error))?;
        let current = RwLock::new(Arc::new(native));
        let running = Arc::new(Self { config: config.clone(), reports: reports.clone(), current });
        let weak = Arc::downgrade(&running);
        let thread = thread::Builder::new().name("kafka-producer".to_owned());
        let spawned = thread.spawn(move || serve(&weak));
        spawned.map_err(|error| Error::Unavailable(format!("no thread for Kafka: {error}")))?;
        Ok(running)
    }

    pub(super) fn current(&self) -> Arc<Native> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a new producer in the place of one that has failed for good. Answers whether it worked.
    fn renew(&self) -> bool {
        match make(&self.config, &self.reports) {
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

    fn tell_failure(&self, why: &str, now: Instant) {
        if let Some(held_back) = self.reports.heard.passes(CLIENT, why, now) {
            tracing::warn!(held_back, "the producer has failed for good, making a new one: {why}");
        }
    }
}

fn make(config: &ClientConfig, reports: &Reports) -> Result<Native, KafkaError> {
    Native::from_config_and_context(config, reports.clone())
}

/// Polls for reports until the producer is no longer needed. The last handle is then nearly always
/// this thread's, so that its drop, which waits for half a second, holds up nobody.
fn serve(running: &Weak<Running>) {
    let mut pace = Pace::default();
    while let Some(running) = running.upgrade() {
        let native = running.current();
        native.poll(if pace.is_failed() { RENEW_AFTER.0 } else { POLL });
        let now = Instant::now();
        let Some((_, why)) = native.client().fatal_error() else {
            pace.is_well();
            continue;
        };
        if !pace.is_failed() {
            running.tell_failure(&why, now);
        }
        if pace.renews(now) && running.renew() {
            pace.is_well();
        }
    }
}

/// When to make a producer anew: at growing distances while each fails soon.
#[derive(Debug, Default)]
struct Pace {
    /// While the current one has failed: when the next is due.
    due: Option<Instant>,
    last: Option<(Instant, Duration)>,
}

impl Pace {
    const fn is_failed(&self) -> bool {
        self.due.is_some()
    }

    const fn is_well(&mut self) {
        self.due = None;
    }

    /// Takes note that the producer has failed, and answers whether a new one is due.
    fn renews(&mut self, now: Instant) -> bool {
        if self.due.is_some_and(|due| now < due) {
            return false;
        }
        let is_due = self.due.is_some();
        let after = match self.last {
            // Of one failure: the wait that has just ended, then the double of it.
            Some((at, after)) if is_due || now.duration_since(at) < WELL_AFTER => {
                if is_due {
                    (after * 2).min(RENEW_AFTER.1)
                } else {
                    after
                }
            }
            Some(_) | None => RENEW_AFTER.0,
        };
        self.last = Some((now, after));
        self.due = Some(now + after);
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a producer that fails at `at` waits until it is made anew.
    fn wait(pace: &mut Pace, at: Instant) -> Duration {
        assert!(!pace.renews(at));
        let waits = (0..=60).map(|step| RENEW_AFTER.0 * step);
        let waited = waits.into_iter().find(|wait| pace.renews(at + *wait));
        pace.is_well();
        waited.expect("it is renewed at last")
    }

    #[test]
    fn producers_that_fail_soon_are_made_anew_at_growing_distances_until_one_stays_well() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let waits: Vec<u128> = (0..8)
            .map(|failure| wait(&mut pace, start + Duration::from_secs(6) * failure).as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        let later = start + Duration::from_secs(47) + WELL_AFTER;
        assert_eq!(wait(&mut pace, later + RENEW_AFTER.1), RENEW_AFTER.0);
        // Nothing was made anew while it waited for its turn.
        assert!(!pace.is_failed());
    }
}
