//! What a member of a group hears from librdkafka, told on in the order in which it happened.
//!
//! Invariant: whoever waits for partitions in vain is told why, again and again, until an
//! assignment comes, if only an empty one: that is what a member without work gets. Never here:
//! work of the partitions themselves; a callback only notes what happened.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use super::heard::Heard;
use crate::{Error, GroupEvent, acknowledgement};

/// What the log calls it.
const CLIENT: &str = "a member of a group";
/// After how long without an assignment an error is told: moves take 1 to 2 s.
const REFUSED_AFTER: Duration = Duration::from_secs(3);
/// After how long a member without an assignment says so for no known reason.
const UNASSIGNED_AFTER: Duration = Duration::from_secs(30);
/// How often either is told again.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// After how long without a word a member with nothing is no longer waited for: librdkafka has been
/// seen to ask for ever after its broker had been frozen. A first join takes up to 3 s, a rebalance
/// seconds, a lost session 6 s; one without work is answered too, with an empty assignment.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60);

pub(super) type Events = Sender<Result<GroupEvent, Error>>;
pub(super) type Consumer = BaseConsumer<Membership>;

/// Notes what the group says, and answers it at once.
pub(super) struct Membership {
    events: Events,
    heard: Arc<Heard>,
    owned: Mutex<BTreeSet<u32>>,
    waiting: Mutex<Waiting>,
    broken: Mutex<Option<String>>,
}

/// Whether a member has been answered, and what keeps it from that.
struct Waiting {
    /// Since when it asks; `None` once it has an assignment.
    since: Option<Instant>,
    /// When it was made, or heard of a rebalance last.
    heard_at: Instant,
    /// What the brokers said no with, and when.
    why: Option<(Instant, String)>,
    told_at: Option<Instant>,
}

impl Waiting {
    /// A new member's. It may take the place of one that waited before.
    fn begun(since: Option<Instant>, now: Instant) -> Self {
        Self { since: Some(since.unwrap_or(now)), heard_at: now, why: None, told_at: None }
    }

    /// Answers whether it had waited.
    fn end(&mut self) -> bool {
        self.why = None;
        self.told_at = None;
        self.since.take().is_some()
    }

    /// Goes on waiting, or begins. What was said just before is why it has to.
    fn again(&mut self, now: Instant) {
        if self.since.is_none() {
            self.why.take_if(|(said_at, _)| now.duration_since(*said_at) > UNASSIGNED_AFTER);
            self.since = Some(now);
        }
    }

    /// What is to be told now, if anything: the reason if it is known.
    fn complaint(&mut self, now: Instant) -> Option<Option<String>> {
        let waited = now.duration_since(self.since?);
        let is_refused = self.why.is_some() && waited >= REFUSED_AFTER;
        let is_told = self.told_at.is_some_and(|at| now.duration_since(at) < TELL_EVERY);
        if is_told || !(is_refused || waited >= UNASSIGNED_AFTER) {
            return None;
        }
        self.told_at = Some(now);
        Some(self.why.as_ref().map(|(_, why)| why.clone()))
    }

    /// For how long it has asked without a word, if for so long that only asking anew may help.
    fn given_up(&self, now: Instant) -> Option<Duration> {
        let silence = now.duration_since(self.since?.max(self.heard_at));
        (silence >= GIVEN_UP_AFTER).then_some(silence)
    }
}

impl Membership {
    /// A new member, that goes on waiting in the place of one that has waited since then.
    pub(super) fn new(events: &Events, heard: &Arc<Heard>, since: Option<Instant>) -> Self {
        Self {
            events: events.clone(),
            heard: Arc::clone(heard),
            owned: Mutex::default(),
            waiting: Mutex::new(Waiting::begun(since, Instant::now())),
            broken: Mutex::default(),
        }
    }

    /// Why its consumer is of no more use, if so.
    pub(super) fn broken(&self) -> MutexGuard<'_, Option<String>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owned(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells an event. An error means that nobody listens any more.
    pub(super) fn tell(&self, event: Result<GroupEvent, Error>) {
        drop(self.events.blocking_send(event));
    }

    /// Tells why nothing was assigned, if it is time to.
    pub(super) fn tell_complaint(&self) {
        let Some(why) = self.waiting().complaint(Instant::now()) else { return };
        let unknown = || self.heard.explain("it has asked for partitions and has no answer yet");
        let sentence = why.unwrap_or_else(unknown);
        // If nobody has taken the last 64 events, one more of these is not missed.
        drop(self.events.try_send(Err(Error::Unavailable(sentence))));
    }

    /// Since when it asks for partitions, if it does.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.waiting().since
    }

    /// Why another member is to ask in its place, if so. Nobody needs one while it owns something:
    /// should its session be lost, it hears that.
    pub(super) fn given_up(&self) -> Option<String> {
        if !self.owned().is_empty() {
            return None;
        }
        let silence = self.waiting().given_up(Instant::now())?.as_secs();
        let sentence = format!("it has asked for partitions in vain for {silence} s");
        Some(self.heard.explain(sentence))
    }

    fn assign(&self, consumer: &Consumer, list: &mut TopicPartitionList) -> KafkaResult<()> {
        // Where it would read from if it did: nowhere, not even for the moment before the pause.
        list.set_all_offsets(Offset::End)?;
        consumer.incremental_assign(list)?;
        consumer.pause(list)?;
        let partitions: Vec<u32> = partitions(list).filter(|p| self.owned().insert(*p)).collect();
        let has_waited = self.waiting().end();
        if has_waited || !partitions.is_empty() {
            self.tell(Ok(GroupEvent::Assigned(partitions)));
        }
        Ok(())
    }

    fn revoke(&self, partitions: Vec<u32>) {
        // It asks anew after every revocation.
        self.waiting().again(Instant::now());
        if !partitions.is_empty() {
            // The group was answered already: nobody waits for this acknowledgement.
            let (acknowledge, _nobody) = acknowledgement();
            self.tell(Ok(GroupEvent::Revoked(partitions, acknowledge)));
        }
    }

    pub(super) fn revoke_everything(&self) {
        let owned = mem::take(&mut *self.owned());
        self.revoke(owned.into_iter().collect());
    }
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.heard.log(CLIENT, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.heard.error(CLIENT, &error, reason);
        if error.rdkafka_error_code().is_some_and(is_verdict) {
            self.waiting().why = Some((Instant::now(), reason.to_owned()));
        }
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for Membership {
    fn rebalance(&self, consumer: &Consumer, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            if let Err(error) = self.assign(consumer, list) {
                // The group takes it for the owner: only another consumer in its place helps.
                *self.broken() = Some(format!("not assigned: {error}"));
            }
        } else {
            if let Err(error) = consumer.incremental_unassign(list) {
                tracing::warn!(%error, "a revocation was not acknowledged");
            }
            let revoked = partitions(list).filter(|p| self.owned().remove(p)).collect();
            self.revoke(revoked);
        }
        // Only now: telling it may have taken long, and the group could not be heard meanwhile.
        self.waiting().heard_at = Instant::now();
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            // Only monitors read it, and the next flush says more.
            tracing::debug!(%error, "the group was not told a frontier");
        }
    }
}

/// Whether the brokers have answered, and the answer is no. What fails on the way there passes, or
/// is told with the rest after [`UNASSIGNED_AFTER`].
fn is_verdict(code: Code) -> bool {
    [
        Code::GroupAuthorizationFailed,
        Code::TopicAuthorizationFailed,
        Code::ClusterAuthorizationFailed,
        Code::Authentication,
        Code::SaslAuthenticationFailed,
        Code::SSL,
        Code::UnknownTopicOrPartition,
        Code::InvalidTopic,
        Code::InvalidSessionTimeout,
        Code::InvalidGroupId,
        Code::InconsistentGroupProtocol,
        Code::GroupMaxSizeReached,
        Code::UnsupportedVersion,
    ]
    .contains(&code)
}

fn partitions(list: &TopicPartitionList) -> impl Iterator<Item = u32> {
    let partitions = list.elements();
    partitions.into_iter().filter_map(|element| u32::try_from(element.partition()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_at(waiting: &mut Waiting, start: Instant) -> Vec<u64> {
        let mut told =
            |second: &u64| waiting.complaint(start + Duration::from_secs(*second)).is_some();
        (0..40).filter(|second| told(second)).collect()
    }

    #[test]
    fn a_member_that_waits_in_vain_says_so_every_few_seconds_and_sooner_if_it_knows_why() {
        let start = Instant::now();
        let mut waiting = Waiting::begun(None, start);
        assert_eq!(told_at(&mut waiting, start), [30, 35]);
        assert!(waiting.end());
        assert_eq!(told_at(&mut waiting, start), [0; 0]);
        assert!(!waiting.end());

        // Said while it still had its partitions, and then it lost them.
        waiting.why = Some((start, "not allowed".to_owned()));
        assert_eq!(told_at(&mut waiting, start), [0; 0]);
        waiting.again(start);
        waiting.again(start + Duration::from_secs(1));
        assert_eq!(told_at(&mut waiting, start), [3, 8, 13, 18, 23, 28, 33, 38]);
    }

    #[test]
    fn a_member_that_hears_nothing_for_a_minute_is_given_up_unless_it_was_answered() {
        let start = Instant::now();
        let after = |second| start + Duration::from_secs(second);
        let given_up = |waiting: &Waiting, second| waiting.given_up(after(second)).is_some();
        let mut waiting = Waiting::begun(None, start);
        assert_eq!([59, 60].map(|second| given_up(&waiting, second)), [false, true]);
        // Another in its place complains at once, and has a minute of its own.
        waiting = Waiting::begun(waiting.since, after(60));
        assert_eq!(waiting.complaint(after(60)), Some(None));
        assert_eq!([119, 120].map(|second| given_up(&waiting, second)), [false, true]);
        // An empty assignment too is an answer.
        assert!(waiting.end());
        assert!(!given_up(&waiting, 999));

        // It lost its session, and heard that. A word of another revocation is no answer.
        waiting.again(after(1_000));
        assert_eq!([1_059, 1_060].map(|second| given_up(&waiting, second)), [false, true]);
        waiting.heard_at = after(1_030);
        assert_eq!([1_089, 1_090].map(|second| given_up(&waiting, second)), [false, true]);
    }
}
