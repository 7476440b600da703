//! The simulated journal: one cluster in memory, shared by many simulated processes, on which
//! everything that may go wrong goes wrong by a seed.
//!
//! It belongs into a tokio current-thread runtime with paused time, and every call must be made
//! inside it. The same seed and the same calls give the same event log: chance comes from the
//! cluster's generator, time from tokio's. Never here: threads, sockets, the machine's clock or
//! randomness, unsorted maps, polling.
//!
//! What a record means is not known here, and what breaks a promise of [`Journal`] is a bug here.
//!
//! [`Journal`]: crate::Journal

mod clock;
mod controls;
mod coordinator;
mod events;
mod fate;
mod group;
mod handle;
mod logs;
mod moves;
mod options;
mod oracle;
mod random;
mod readers;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ballot::JournalId;
use tokio::sync::Notify;
use tokio::time::Instant;

pub use clock::SimulatedClock;
pub use group::SimulatedGroup;
pub use handle::Simulated;
pub use options::{Faults, Options};
pub use random::Random;
pub use readers::{SimulatedReader, SimulatedSnapshotReader};

use clock::Timeline;
use coordinator::Coordinator;
use events::Events;
use logs::{Log, SnapshotLog};

/// The cluster behind every simulated journal of one campaign. Clones are the same cluster.
#[derive(Clone)]
pub struct Cluster(Arc<Shared>);

struct Shared {
    options: Options,
    identity: JournalId,
    /// Woken when a partition's log grows, or a process crashes.
    arrivals: BTreeMap<u32, Notify>,
    /// Woken when the snapshot log grows, or a process crashes.
    publications: Notify,
    /// Woken when a write has taken its last step or the group may have come to rest.
    rest: Notify,
    // A simulation has one thread: the lock is never waited for, and never held across an await.
    state: Mutex<State>,
}

struct State {
    timeline: Timeline,
    random: Random,
    faults: Faults,
    events: Events,
    logs: BTreeMap<u32, Log>,
    snapshots: SnapshotLog,
    group: Coordinator,
    clocks: BTreeMap<Arc<str>, SimulatedClock>,
    stalled_until: Option<Instant>,
    /// The incarnations that have not crashed.
    alive: BTreeMap<u64, Arc<str>>,
    next_incarnation: u64,
    /// Writes that have steps to go, by number, with the incarnation that made them.
    under_way: BTreeMap<u64, u64>,
    next_write: u64,
}

/// One life of one process.
#[derive(Debug, Clone)]
struct Process {
    name: Arc<str>,
    incarnation: u64,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.incarnation)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("identity", &self.0.identity).finish_non_exhaustive()
    }
}

impl Cluster {
    /// An empty cluster, whose identity comes from the seed too. Its time starts now.
    #[must_use]
    pub fn new(seed: u64, partitions: u32, options: Options) -> Self {
        // A generator of its own, so that the identity takes nothing from the schedule's.
        let identity = u128::from(Random::new(!seed).bits()) << 64 | u128::from(seed);
        let state = State {
            timeline: Timeline::new(options.epoch_ms),
            random: Random::new(seed),
            faults: options.faults,
            events: Events::new(options.event_lines_max),
            logs: (0..partitions).map(|p| (p, Log::default())).collect(),
            snapshots: SnapshotLog::default(),
            group: Coordinator::new(partitions),
            clocks: BTreeMap::new(),
            stalled_until: None,
            alive: BTreeMap::new(),
            next_incarnation: 0,
            under_way: BTreeMap::new(),
            next_write: 0,
        };
        Self(Arc::new(Shared {
            options,
            identity: JournalId(identity.to_be_bytes()),
            arrivals: (0..partitions).map(|p| (p, Notify::new())).collect(),
            publications: Notify::new(),
            rest: Notify::new(),
            state: Mutex::new(state),
        }))
    }

    /// The journal as a new process called `name` sees it. Each call is a new incarnation; earlier
    /// ones of that name live on until [`Cluster::crash`].
    #[must_use]
    pub fn process(&self, name: &str) -> Simulated {
        let mut state = self.lock();
        let process = Process { name: name.into(), incarnation: state.next_incarnation };
        state.next_incarnation += 1;
        state.alive.insert(process.incarnation, Arc::clone(&process.name));
        state.note(format_args!("{process} starts"));
        Simulated::new(self.clone(), process)
    }

    /// The wall clock of the processes called `name`; right until its skew is set.
    #[must_use]
    pub fn clock(&self, name: &str) -> SimulatedClock {
        let mut state = self.lock();
        let timeline = state.timeline;
        state.clocks.entry(name.into()).or_insert_with(|| SimulatedClock::new(timeline)).clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn options(&self) -> &Options {
        &self.0.options
    }

    fn arrivals(&self, partition: u32) -> Option<&Notify> {
        self.0.arrivals.get(&partition)
    }

    fn rest(&self) -> &Notify {
        &self.0.rest
    }

    fn publications(&self) -> &Notify {
        &self.0.publications
    }
}

impl State {
    fn note(&mut self, event: fmt::Arguments<'_>) {
        self.events.note(self.timeline.elapsed_ms(), event);
    }

    /// Whether calls of this process are still heard; if not, why.
    fn check_alive(&self, process: &Process) -> Result<(), String> {
        if self.alive.contains_key(&process.incarnation) {
            Ok(())
        } else {
            Err(format!("{process} has crashed"))
        }
    }

    fn compact(&mut self) {
        self.snapshots.compact();
        self.note(format_args!("compaction"));
    }
}
