//! The way of one write into a simulated cluster.
//!
//! A write's fate is drawn when it is called and carried out by a task of its own, so that dropping
//! the caller's future takes nothing back. While the cluster is stalled nothing lands and nothing
//! is answered. A process that has crashed never hears an acknowledgement.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use super::events::Fnv;
use super::fate::{self, Answer, Step};
use super::{Cluster, Process};
use crate::{AppendError, Published};

/// What is written.
#[derive(Debug, Clone)]
pub(super) enum What {
    Record { partition: u32, timestamp_ms: i64, value: Bytes },
    Snapshot(Published),
    Heartbeat,
}

/// Where and when something landed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Landed {
    pub(super) place: u64,
    pub(super) at_ms: i64,
}

/// One write under way.
#[derive(Debug)]
struct Write {
    id: u64,
    process: Process,
    what: What,
    /// What happens, each so many milliseconds after the call, in order of time.
    steps: Vec<(u64, Step)>,
}

impl Cluster {
    /// Writes and waits for the answer.
    pub(super) async fn write(&self, by: &Process, what: What) -> Result<Landed, AppendError> {
        let (reply, answer) = oneshot::channel();
        match self.begin(by, what) {
            // Nobody joins it: its steps are few, and the end of the runtime ends it.
            Ok(write) => drop(tokio::spawn(carry(self.clone(), write, reply))),
            Err(error) => {
                // Not at once, so that one who tries again and again lets time go on.
                sleep(Duration::from_millis(1)).await;
                return Err(error);
            }
        }
        let over = |_| Err(AppendError::InDoubt("the simulation has ended".to_owned()));
        answer.await.unwrap_or_else(over)
    }

    fn begin(&self, by: &Process, what: What) -> Result<Write, AppendError> {
        let mut state = self.lock();
        state.check_alive(by).map_err(AppendError::Refused)?;
        let partition = match &what {
            What::Record { partition, .. } | What::Snapshot(Published { partition, .. }) => {
                Some(*partition)
            }
            What::Heartbeat => None,
        };
        if let Some(partition) = partition.filter(|p| !state.logs.contains_key(p)) {
            return Err(AppendError::Refused(format!("there is no partition {partition}")));
        }
        let options = self.options();
        let write_latency_ms = state.random.within(&options.write_latency_ms);
        let late_ms = state.random.within(&options.late_ms);
        let faults = state.faults;
        let steps = fate::draw(&mut state.random, faults, write_latency_ms, late_ms);
        let id = state.next_write;
        state.next_write += 1;
        state.under_way.insert(id, by.incarnation);
        state.note(format_args!("{by} write {id} {what:?}", what = Short(&what)));
        Ok(Write { id, process: by.clone(), what, steps })
    }

    /// Waits until the cluster is not stalled. What waited goes on in a new order.
    async fn stall_over(&self) {
        loop {
            let until = {
                let mut state = self.lock();
                if state.stalled_until.is_none_or(|until| until <= Instant::now()) {
                    return;
                }
                let after_ms = state.random.within(&self.options().write_latency_ms);
                state.stalled_until.map(|until| until + Duration::from_millis(after_ms))
            };
            sleep_until(until.unwrap_or_else(Instant::now)).await;
        }
    }

    /// Lands a write, unless its process's crash has taken it along.
    fn land(&self, write: &Write) -> Option<Landed> {
        if !self.lock().under_way.contains_key(&write.id) {
            return None;
        }
        let landed = self.land_now(write.what.clone())?;
        self.lock().note(format_args!("write {} lands at {}", write.id, landed.place));
        Some(landed)
    }

    /// Lands something at once, whoever wrote it; `None` if there is no such partition.
    pub(super) fn land_now(&self, what: What) -> Option<Landed> {
        let mut state = self.lock();
        let at_ms = state.timeline.now_ms();
        let snapshot = match what {
            What::Record { partition, timestamp_ms, value } => {
                let place = state.logs.get_mut(&partition)?.append(timestamp_ms, value);
                self.arrivals(partition)?.notify_waiters();
                return Some(Landed { place, at_ms });
            }
            What::Snapshot(published) => Some(published),
            What::Heartbeat => None,
        };
        let place = state.snapshots.append(snapshot);
        let compaction = state.faults.compaction;
        if state.random.chance(compaction) {
            state.compact();
        }
        self.publications().notify_waiters();
        Some(Landed { place, at_ms })
    }

    fn answer(
        &self,
        write: &Write,
        answer: Answer,
        landed: &[Landed],
    ) -> Result<Landed, AppendError> {
        let mut state = self.lock();
        state.note(format_args!("write {} answered {answer:?}", write.id));
        state.check_alive(&write.process).map_err(AppendError::InDoubt)?;
        let place = match answer {
            Answer::First => landed.first(),
            Answer::Last => landed.last(),
            Answer::Refused => return Err(AppendError::Refused("as the seed would".to_owned())),
            Answer::InDoubt => None,
        };
        place.copied().ok_or_else(|| AppendError::InDoubt("as the seed would".to_owned()))
    }
}

/// Carries out a write's fate.
async fn carry(
    cluster: Cluster,
    write: Write,
    reply: oneshot::Sender<Result<Landed, AppendError>>,
) {
    let begun = Instant::now();
    let mut reply = Some(reply);
    let mut landed = Vec::new();
    for (after_ms, step) in &write.steps {
        sleep_until(begun + Duration::from_millis(*after_ms)).await;
        cluster.stall_over().await;
        match step {
            Step::Land => landed.extend(cluster.land(&write)),
            Step::Answer(answer) => {
                let answer = cluster.answer(&write, *answer, &landed);
                // The caller may have stopped waiting; what landed stays.
                drop(reply.take().map(|reply| reply.send(answer)));
            }
        }
    }
    cluster.lock().under_way.remove(&write.id);
    cluster.rest().notify_waiters();
}

/// A write as the event log shows it: the value by its hash.
struct Short<'a>(&'a What);

impl std::fmt::Debug for Short<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            What::Record { partition, timestamp_ms, value } => {
                write!(f, "record p{partition} t{timestamp_ms} {:016x}", Fnv::of(value))
            }
            What::Snapshot(Published { partition, value }) => {
                write!(f, "snapshot p{partition} {:016x}", Fnv::of(value))
            }
            What::Heartbeat => f.write_str("heartbeat"),
        }
    }
}
