//! What a run does, and what its processes tell each other through the environment.

use std::env;
use std::time::Duration;

use benches::{Poll, list, number, yesterday};
use journal::{Clock as _, KafkaCluster, SystemClock};

use crate::Error;

/// Which part a process plays. Not set: it runs the others.
pub(crate) const ROLE: &str = "WHOLE_PATH_ROLE";
/// The campaign's first day, the same for all even when the run passes midnight.
pub(crate) const STARTED: &str = "WHOLE_PATH_STARTED";
/// What a role works on: a directory, brokers, or the address to load.
pub(crate) const TARGET: &str = "WHOLE_PATH_TARGET";
/// Of the load: connections, seconds and the seed of its voters.
pub(crate) const CONNECTIONS: &str = "WHOLE_PATH_LOAD_CONNECTIONS";
pub(crate) const SECONDS: &str = "WHOLE_PATH_LOAD_SECONDS";
pub(crate) const SEED: &str = "WHOLE_PATH_LOAD_SEED";

/// How many partitions: inherited by every process of the run.
const PARTITIONS: &str = "WHOLE_PATH_PARTITIONS";

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Variant {
    Bare,
    Waiting,
    Null,
    Embedded,
    Kafka,
}

impl Variant {
    pub(crate) const ALL: [Self; 5] =
        [Self::Bare, Self::Waiting, Self::Null, Self::Embedded, Self::Kafka];

    /// Its letter in `WHOLE_PATH_VARIANTS`.
    const fn letter(self) -> char {
        match self {
            Self::Bare => 'A',
            Self::Waiting => 'W',
            Self::Null => 'B',
            Self::Embedded => 'C',
            Self::Kafka => 'D',
        }
    }

    /// Its name in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare hyper, fixed 202",
            Self::Waiting => "bare hyper, 202 every 5 ms",
            Self::Null => "edge, no journal",
            Self::Embedded => "edge, embedded journal",
            Self::Kafka => "edge, Kafka",
        }
    }
}

/// How much of what.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) variants: Vec<Variant>,
    pub(crate) connections: Vec<usize>,
    pub(crate) rounds: usize,
    pub(crate) seconds: Duration,
}

impl Plan {
    pub(crate) fn from_env() -> Self {
        let tried = if benches::is_measured() { "AWBCD" } else { "AB" };
        let letters = env::var("WHOLE_PATH_VARIANTS").unwrap_or_else(|_| tried.to_owned());
        let chosen = |variant: &Variant| letters.contains(variant.letter());
        Self {
            variants: Variant::ALL.into_iter().filter(chosen).collect(),
            connections: list("WHOLE_PATH_CONNECTIONS", &[64, 256, 1_024], &[16]),
            rounds: number("WHOLE_PATH_ROUNDS", 5, 1),
            seconds: Duration::from_secs_f64(number("WHOLE_PATH_SECONDS", 4.0, 1.0)),
        }
    }
}

/// A variable that whoever started this process has set.
pub(crate) fn told<T: std::str::FromStr>(name: &str) -> Result<T, Error> {
    let text = env::var(name).map_err(|_| format!("{name} is not set"))?;
    text.parse().map_err(|_| format!("{name}={text:?} cannot be read").into())
}

/// As many partitions as `weir topics` and `weir up` make, unless a run is to compare.
pub(crate) fn partitions() -> u32 {
    let default = KafkaCluster::PARTITIONS_DEFAULT;
    benches::number(PARTITIONS, default, default)
}

/// The campaign of this run.
pub(crate) fn poll() -> Poll {
    let started = told(STARTED).unwrap_or_else(|_| yesterday(SystemClock.now_ms()));
    Poll::started(started)
}
