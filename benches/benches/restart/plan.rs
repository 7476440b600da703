//! What a run does: sizes, journals, and which binary is killed.
//!
//! Never here: a binary that was not asked for. It is the one beside this bench, of the same build,
//! or the one that is named.

use std::env;
use std::path::PathBuf;

use benches::{Error, is_measured, number};
use serde::Serialize;

/// As `weir up` and `weir topics` make them.
pub(crate) const PARTITIONS: u32 = journal::KafkaCluster::PARTITIONS_DEFAULT;

/// What is behind the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Journal {
    Embedded,
    Kafka,
}

impl Journal {
    /// Its name, in `RESTART_JOURNALS` and in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Kafka => "kafka",
        }
    }
}

/// How much of what.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Plan {
    pub(crate) journals: Vec<Journal>,
    /// Ballots of today that are in the journal before the first kill.
    pub(crate) ballots: u64,
    pub(crate) per_record: u32,
    /// Kills of each kind.
    pub(crate) rounds: usize,
    #[serde(skip)]
    pub(crate) binary: PathBuf,
}

impl Plan {
    pub(crate) fn from_env() -> Result<Self, Error> {
        Ok(Self {
            journals: journals()?,
            ballots: number("RESTART_BALLOTS", 10_000_000, 5_000),
            per_record: number("RESTART_RECORD", 200, 20),
            rounds: number("RESTART_ROUNDS", 3, 1),
            binary: binary()?,
        })
    }
}

fn journals() -> Result<Vec<Journal>, Error> {
    let usual = if is_measured() { "embedded,kafka" } else { "embedded" };
    let text = env::var("RESTART_JOURNALS").unwrap_or_else(|_| usual.to_owned());
    let all = [Journal::Embedded, Journal::Kafka];
    let journal = |name: &str| all.into_iter().find(|journal| journal.name() == name.trim());
    let journals: Option<Vec<_>> = text.split(',').map(journal).collect();
    let fix = || format!("RESTART_JOURNALS={text:?}: give embedded, kafka or embedded,kafka");
    Ok(journals.ok_or_else(fix)?)
}

/// `WEIR_BIN`, or the binary of the build that this bench is of.
fn binary() -> Result<PathBuf, Error> {
    let exe = env::current_exe()?;
    let built = exe.ancestors().nth(2).map(|build| build.join("weir")).unwrap_or_default();
    let binary = env::var_os("WEIR_BIN").map_or(built, PathBuf::from);
    if binary.is_file() {
        return Ok(binary);
    }
    let release = if cfg!(debug_assertions) { "" } else { " --release" };
    Err(format!(
        "{} is not there: build it with `cargo build{release} -p weir`, or set WEIR_BIN",
        binary.display()
    )
    .into())
}
