//! What librdkafka said last, for sentences that would otherwise be a bare timeout, and how much of
//! it the log is told.
//!
//! Nothing it says is a loss by itself: what was lost or is in doubt is told where it was asked
//! for. Only a client that is not let in needs somebody, and is an error. Invariant: the same text
//! of the same kind of client is logged at most once in `QUIET`. Never here: a decision about a
//! record.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::time::{Instant, timeout};

/// How long a text that was logged is held back.
const QUIET: Duration = Duration::from_secs(10);
/// How long the last error explains what fails. librdkafka tells one that repeats itself every 30 s
/// only.
const FRESH: Duration = Duration::from_secs(35);
/// rdkafka hands each error of a producer over twice, one right after the other.
const TWICE: Duration = Duration::from_millis(50);
/// After how long a question of a client that is not let in is given up: others may be.
const LOCKED_OUT_AFTER: Duration = Duration::from_secs(1);
/// How many texts are remembered. Beyond, the one logged longest ago is forgotten.
const TEXTS_MAX: usize = 64;

/// What the clients of a cluster heard.
#[derive(Default)]
pub(super) struct Heard(Mutex<State>);

#[derive(Default)]
struct State {
    last: Option<Last>,
    said: BTreeMap<(&'static str, String), Said>,
}

struct Last {
    at: Instant,
    text: String,
    is_lockout: bool,
}

/// A text that was logged.
struct Said {
    logged_at: Instant,
    heard_at: Instant,
    exactly: String,
    held_back: u64,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard").field("last", &self.last(Instant::now())).finish()
    }
}

impl Heard {
    /// Takes an error that librdkafka reports of a kind of client.
    pub(super) fn error(&self, client: &'static str, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let now = Instant::now();
        if !self.note(code, reason, now) {
            tracing::debug!(client, reason, "Kafka");
            return;
        }
        let Some(held_back) = self.passes(client, reason, now) else { return };
        if is_lockout(code) {
            tracing::error!(client, held_back, "Kafka lets nobody in: {reason}");
        } else if is_one_connection(code) {
            tracing::info!(client, held_back, "Kafka: {reason}");
        } else {
            tracing::warn!(client, held_back, "Kafka: {reason}");
        }
    }

    /// Takes a line of librdkafka's own log.
    pub(super) fn log(
        &self,
        client: &'static str,
        level: RDKafkaLogLevel,
        facility: &str,
        message: &str,
    ) {
        match level {
            // What it logs of a failed connection, or client, comes as an error too.
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning
                if !["FAIL", "FATAL"].contains(&facility) =>
            {
                if let Some(held_back) = self.passes(client, message, Instant::now()) {
                    tracing::warn!(client, facility, held_back, "librdkafka: {message}");
                }
            }
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning
            | RDKafkaLogLevel::Notice
            | RDKafkaLogLevel::Info
            | RDKafkaLogLevel::Debug => {
                // Not a field `message`: the event's own text has that name.
                tracing::debug!(client, facility, "librdkafka: {message}");
            }
        }
    }

    /// Whether a text is to be logged now, and then how often it was held back since the last time.
    pub(super) fn passes(&self, client: &'static str, text: &str, now: Instant) -> Option<u64> {
        let mut state = self.lock();
        let key = (client, lasting(text));
        if let Some(said) = state.said.get_mut(&key) {
            if said.exactly == text && now.duration_since(said.heard_at) < TWICE {
                return None;
            }
            (said.heard_at, said.exactly) = (now, text.to_owned());
            if now.duration_since(said.logged_at) < QUIET {
                said.held_back += 1;
                return None;
            }
            said.logged_at = now;
            return Some(std::mem::take(&mut said.held_back));
        }
        if state.said.len() >= TEXTS_MAX {
            let oldest = state.said.iter().min_by_key(|(_, said)| said.logged_at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                state.said.remove(&oldest);
            }
        }
        let exactly = text.to_owned();
        state.said.insert(key, Said { logged_at: now, heard_at: now, exactly, held_back: 0 });
        Some(0)
    }

    /// A sentence, with what was heard last if it was heard lately.
    pub(super) fn explain(&self, sentence: impl fmt::Display) -> String {
        match self.last(Instant::now()) {
            Some(last) => format!("{sentence}; last heard: {last}"),
            None => sentence.to_string(),
        }
    }

    /// Whether the brokers have lately let one of the clients not in.
    pub(super) fn is_locked_out(&self) -> bool {
        let state = self.lock();
        state.last.as_ref().is_some_and(|last| last.is_lockout && last.at.elapsed() < FRESH)
    }

    /// Waits for an answer for so long, and no longer than a moment once somebody is not let in.
    pub(super) async fn answer<T>(
        &self,
        max: Duration,
        answer: impl Future<Output = T>,
    ) -> Option<T> {
        let (mut answer, deadline) = (pin!(answer), Instant::now() + max);
        loop {
            if let Ok(answer) = timeout(LOCKED_OUT_AFTER, &mut answer).await {
                return Some(answer);
            }
            if self.is_locked_out() || Instant::now() >= deadline {
                return None;
            }
        }
    }

    fn last(&self, now: Instant) -> Option<String> {
        let state = self.lock();
        let last = state.last.as_ref();
        let last = last.filter(|last| now.duration_since(last.at) < FRESH);
        last.map(|last| last.text.clone())
    }

    /// Remembers an error, unless the one before says more. Answers whether it was remembered.
    fn note(&self, code: Option<Code>, text: &str, now: Instant) -> bool {
        let mut state = self.lock();
        let is_lockout = is_lockout(code);
        // Of a client that is not let in, librdkafka says next that its brokers are down.
        let is_vague = code == Some(Code::AllBrokersDown);
        let last = state.last.as_ref().filter(|last| now.duration_since(last.at) < FRESH);
        if last.is_some_and(|last| last.is_lockout && is_vague) {
            return false;
        }
        if !(is_vague && last.is_some()) {
            state.last = Some(Last { at: now, text: text.to_owned(), is_lockout });
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole after each line, so what a panicking holder left behind is usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether somebody must change a password, a certificate or a permission.
pub(super) fn is_lockout(code: Option<Code>) -> bool {
    let codes = [Code::Authentication, Code::SaslAuthenticationFailed, Code::SSL];
    code.is_some_and(|code| codes.contains(&code))
}

/// Whether it is about one broker, of which there are others.
fn is_one_connection(code: Option<Code>) -> bool {
    let codes = [Code::BrokerTransportFailure, Code::OperationTimedOut, Code::Resolve];
    code.is_some_and(|code| codes.contains(&code))
}

/// What stays of a text from one time to the next: no numbers, no time since the last change.
fn lasting(text: &str) -> String {
    let text = text.rsplit_once(" (after ").map_or(text, |(text, _)| text);
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRONG: &str = "sasl_plaintext://127.0.0.1:9092/1: SASL authentication error (after 3ms)";

    #[test]
    fn the_same_text_of_the_same_client_is_logged_once_in_ten_seconds() {
        let (heard, start) = (Heard::default(), Instant::now());
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(heard.passes("a reader", WRONG, at(0)), Some(0));
        // The same once more, in the same moment, is the same.
        assert_eq!(heard.passes("a reader", WRONG, at(1)), None);
        assert_eq!(heard.passes("the producer", WRONG, at(1)), Some(0));
        for (ms, text) in [(1_000, WRONG.replace('3', "41")), (9_000, WRONG.replace('1', "2"))] {
            assert_eq!(heard.passes("a reader", &text, at(ms)), None);
        }
        assert_eq!(heard.passes("a reader", WRONG, at(10_001)), Some(2));
        assert_eq!(heard.passes("a reader", "something else", at(10_002)), Some(0));
    }

    #[test]
    fn a_bound_of_texts_is_remembered() {
        let (heard, start) = (Heard::default(), Instant::now());
        for letter in 0..200_u8 {
            let text = "x".repeat(usize::from(letter));
            let at = start + Duration::from_millis(u64::from(letter));
            assert_eq!(heard.passes("a reader", &text, at), Some(0));
        }
        assert_eq!(heard.lock().said.len(), TEXTS_MAX);
    }

    #[test]
    fn a_sentence_has_the_last_error_that_says_something_while_it_is_fresh() {
        let (heard, start) = (Heard::default(), Instant::now());
        assert_eq!(heard.explain("no answer"), "no answer");
        assert!(heard.note(Some(Code::AllBrokersDown), "1/1 brokers are down", start));
        assert_eq!(heard.explain("no answer"), "no answer; last heard: 1/1 brokers are down");
        assert!(heard.note(Some(Code::Authentication), WRONG, start));
        assert!(heard.is_locked_out());
        assert!(!heard.note(Some(Code::AllBrokersDown), "1/1 brokers are down", start));
        assert_eq!(heard.explain("no answer"), format!("no answer; last heard: {WRONG}"));
        assert_eq!(heard.last(start + FRESH), None);
        assert!(heard.note(Some(Code::BrokerTransportFailure), "refused", start));
        assert!(!heard.is_locked_out());
    }
}
