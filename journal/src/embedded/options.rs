//! Where an embedded journal is, and what shape it has or gets.
//!
//! Invariant: a campaign's name names files in the directory and nowhere else.
//!
//! Never here: a look at the disk.

use std::path::PathBuf;
use std::sync::Arc;

use crate::{Clock, Error, SystemClock};

/// redb's page cache; its own default is 1 GiB. The operating system caches the file as well, so
/// this need only hold the pages that one group writes and the tail that readers follow.
const CACHE_BYTES: usize = 64 << 20;

/// Where an embedded journal is and what shape it has.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The directory; it is made, for its owner only, if it is missing.
    pub dir: PathBuf,
    /// The campaign, which names the files in the directory.
    pub campaign: String,
    /// How many partitions the log must have; `None` takes an existing log as it is.
    pub partitions: Option<u32>,
    /// How many partitions a log that is not there yet gets; `None` makes none.
    pub new_partitions: Option<u32>,
    /// The clock from which the time that [`Journal::heartbeat`](crate::Journal::heartbeat) answers
    /// is taken, once, when the journal is opened.
    pub clock: Arc<dyn Clock>,
    /// How much memory redb may use for pages, in bytes.
    pub cache_bytes: usize,
}

impl EmbeddedOptions {
    /// A journal with the machine's clock and a cache of 64 MiB.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, campaign: impl Into<String>, partitions: u32) -> Self {
        Self {
            dir: dir.into(),
            campaign: campaign.into(),
            partitions: Some(partitions),
            new_partitions: Some(partitions),
            clock: Arc::new(SystemClock),
            cache_bytes: CACHE_BYTES,
        }
    }

    /// The same, for a journal that is there, whatever its partition count.
    #[must_use]
    pub fn existing(dir: impl Into<PathBuf>, campaign: impl Into<String>) -> Self {
        Self { partitions: None, new_partitions: None, ..Self::new(dir, campaign, 1) }
    }

    /// The file that holds the journal.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.dir.join(format!("{}.redb", self.campaign))
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.dir.join(format!("{}.lock", self.campaign))
    }

    /// How many partitions a journal gets that is to be made.
    pub(super) fn wanted_partitions(&self) -> Result<u32, Error> {
        self.new_partitions.ok_or_else(|| {
            Error::Refused(format!("there is no journal in {}", self.file().display()))
        })
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let name = &self.campaign;
        let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_safe) {
            let sentence =
                format!("the campaign {name:?} cannot name a file: use a-z, 0-9, - or _");
            return Err(Error::Refused(sentence));
        }
        if self.partitions == Some(0) || self.new_partitions == Some(0) {
            return Err(Error::Refused("a journal needs at least one partition".to_owned()));
        }
        Ok(())
    }
}
