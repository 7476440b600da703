//! The thread of a group's member: makes the consumer, polls it, closes it within a deadline.
//!
//! Invariant: whatever ends a consumer, what it owned is told as revoked. A consumer that has
//! failed for good, or asks in vain, is replaced by a new one. Never here: what the group says;
//! `membership.rs` tells that.

use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use tokio::time::Instant;

use super::group::Shared;
use super::heard::Heard;
use super::membership::{Consumer, Events, Membership};
use super::options::not_made;
use crate::Error;

/// How long the thread waits for events before it looks whether it is to leave.
const POLL: Duration = Duration::from_millis(50);
/// What leaving may take. After that the group waits for the session timeout.
const CLOSE_MAX: Duration = Duration::from_secs(5);
/// The pause before a consumer that could not be made, or has failed for good, is made anew.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Is a member until it is to leave.
pub(super) fn serve(
    config: &ClientConfig,
    topic: &str,
    shared: &Shared,
    (events, heard): (&Events, &Arc<Heard>),
) {
    let mut waiting_since = None;
    let mut unclosed = Vec::new();
    while !shared.is_leaving() && !events.is_closed() {
        let context = Membership::new(events, heard, waiting_since);
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
            unclosed.extend(close(consumer));
            thread::park_timeout(TRY_AGAIN);
            continue;
        }
        shared.set(Some(Arc::clone(&consumer)));
        let failed = poll(&consumer, shared, &mut unclosed);
        shared.set(None);
        if let Some(why) = failed {
            consumer.context().revoke_everything();
            consumer.context().tell(Err(Error::Unavailable(why)));
            waiting_since = consumer.context().waiting_since();
            thread::park_timeout(TRY_AGAIN);
        }
        unclosed.extend(close(consumer));
    }
    // Dropping them would wait without a deadline.
    mem::forget(unclosed);
}

/// Polls until it is to leave, or the consumer has failed for good or asks in vain.
fn poll(consumer: &Consumer, shared: &Shared, unclosed: &mut Vec<Arc<Consumer>>) -> Option<String> {
    while !shared.is_leaving() {
        unclosed.retain(|earlier| !is_closed(earlier));
        consumer.context().tell_complaint();
        match consumer.poll(POLL) {
            None | Some(Ok(_)) => {}
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                return Some(format!("the member failed for good: {code}"));
            }
            // librdkafka deals with it, or tells it again.
            Some(Err(error)) => tracing::debug!(%error, "a member of a group"),
        }
        if let Some(why) = consumer.context().broken().take() {
            return Some(why);
        }
        if let Some(why) = consumer.context().given_up() {
            tracing::warn!("a member of a group is made anew: {why}");
            return Some(why);
        }
    }
    None
}

/// Leaves the group, for at most [`CLOSE_MAX`]. What has not left by then is answered: dropping it
/// would wait without a deadline, and it can be dropped once it is closed.
fn close(consumer: Arc<Consumer>) -> Option<Arc<Consumer>> {
    let deadline = Instant::now() + CLOSE_MAX;
    if let Err(error) = consumer.close_queue() {
        tracing::warn!(%error, "the group was not left");
    }
    while !consumer.closed() {
        if Instant::now() >= deadline {
            tracing::warn!("the group was not left in time, it waits for the session timeout");
            return Some(consumer);
        }
        // Revocations come here, and are acknowledged like any.
        drop(consumer.poll(POLL));
    }
    None
}

/// Whether a consumer that was told to close has come to it.
fn is_closed(consumer: &Consumer) -> bool {
    drop(consumer.poll(Duration::ZERO));
    consumer.closed()
}
