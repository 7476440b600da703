//! Opens an embedded journal: directory, lock, file, writer thread.
//!
//! Invariant: a journal is refused, and its file left as it is, if it is held by another process,
//! has another partition count or another format. What it holds is on the disk before it is used.

use std::fs::{DirBuilder, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ballot::JournalId;
use redb::Database;
use tokio::sync::{Semaphore, mpsc};

use super::command::{QUEUE_BYTES_MAX, QUEUE_ENTRIES_MAX};
use super::group::Roster;
use super::lock::DirectoryLock;
use super::look;
use super::shared::{Shared, damaged};
use super::store::{self, Contents, FORMAT_VERSION};
use super::time::JournalTime;
use super::writer::Writer;
use super::{Embedded, Inner};
use crate::{Clock, Error, SystemClock};

/// Makes the database of a journal, when it is opened and each time it must be opened again.
pub type DatabaseFactory = Box<dyn Fn() -> Result<Database, redb::DatabaseError> + Send>;

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

    fn lock_file(&self) -> PathBuf {
        self.dir.join(format!("{}.lock", self.campaign))
    }

    /// How many partitions a journal gets that is to be made.
    fn wanted_partitions(&self) -> Result<u32, Error> {
        self.new_partitions.ok_or_else(|| {
            Error::Refused(format!("there is no journal in {}", self.file().display()))
        })
    }

    fn check(&self) -> Result<(), Error> {
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

/// Opens or makes the journal. Blocks for some fsyncs.
pub(super) fn open(options: &EmbeddedOptions) -> Result<Embedded, Error> {
    let lock = take_lock(options)?;
    let file = options.file();
    if !file.exists() {
        options.wanted_partitions()?;
        make_file(options, &file)?;
    }
    let cache_bytes = options.cache_bytes;
    // Never makes a file: one that is gone while the journal is in use is not to be replaced.
    let factory = move || Database::builder().set_cache_size(cache_bytes).open(&file);
    open_locked(options, lock, Box::new(factory))
}

/// Makes the file aside and moves it into place when it is whole: a process that is killed here, or
/// a disk that is full, leaves nothing that could not be made again.
fn make_file(options: &EmbeddedOptions, file: &Path) -> Result<(), Error> {
    let aside = file.with_extension("redb.new");
    let failed = |error: &dyn std::fmt::Display| {
        Error::Refused(format!("cannot make {}: {error}", file.display()))
    };
    match std::fs::remove_file(&aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&error)),
        Ok(()) | Err(_) => {}
    }
    let database = Database::create(&aside).map_err(|error| failed(&error))?;
    create(options, &database, |error| failed(&error))?;
    drop(database);
    // Who voted for what, even under pseudonyms, is nobody else's to read.
    #[cfg(unix)]
    std::fs::set_permissions(&aside, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(|error| failed(&error))?;
    File::open(&aside).and_then(|file| file.sync_all()).map_err(|error| failed(&error))?;
    std::fs::rename(&aside, file).map_err(|error| failed(&error))?;
    sync_dir(&options.dir)
}

/// The same, over a database of the caller's making.
pub(super) fn open_with(
    options: &EmbeddedOptions,
    factory: DatabaseFactory,
) -> Result<Embedded, Error> {
    let lock = take_lock(options)?;
    open_locked(options, lock, factory)
}

/// Opens a journal over its file without changing it.
pub(super) fn look(options: &EmbeddedOptions) -> Result<Embedded, Error> {
    options.check()?;
    let (file, cache_bytes) = (options.file(), options.cache_bytes);
    let lock = DirectoryLock::share(&options.lock_file())?;
    open_locked(options, lock, Box::new(move || look::database(&file, cache_bytes)))
}

fn take_lock(options: &EmbeddedOptions) -> Result<DirectoryLock, Error> {
    options.check()?;
    make_dir(&options.dir)?;
    DirectoryLock::take(&options.lock_file(), options.clock.now_ms())
}

fn open_locked(
    options: &EmbeddedOptions,
    lock: DirectoryLock,
    factory: DatabaseFactory,
) -> Result<Embedded, Error> {
    let cannot = |error: redb::Error| {
        Error::Refused(format!("cannot open {}: {error}", options.file().display()))
    };
    let database = factory().map_err(|error| cannot(error.into()))?;
    let contents = match store::inspect(&database).map_err(cannot)? {
        Some(contents) => {
            check_shape(options, &contents)?;
            store::prove(&database).map_err(cannot)?;
            contents
        }
        None => create(options, &database, cannot)?,
    };
    // A file is durable only when its directory's entry is.
    sync_dir(&options.dir)?;
    start(options, contents, Parts { database, factory, lock })
}

fn create(
    options: &EmbeddedOptions,
    database: &Database,
    cannot: impl Fn(redb::Error) -> Error,
) -> Result<Contents, Error> {
    let mut identity = [0; 16];
    getrandom::fill(&mut identity)
        .map_err(|error| Error::Refused(format!("no randomness for the identity: {error}")))?;
    let partitions = options.wanted_partitions()?;
    store::create(database, JournalId(identity), partitions).map_err(&cannot)?;
    let made = store::inspect(database).map_err(&cannot)?;
    made.ok_or_else(|| damaged("it is empty right after it was made"))
}

fn check_shape(options: &EmbeddedOptions, contents: &Contents) -> Result<(), Error> {
    let file = options.file();
    let file = file.display();
    if contents.format != FORMAT_VERSION {
        return Err(Error::Refused(format!(
            "{file} has format {}, and this program reads format {FORMAT_VERSION}",
            contents.format
        )));
    }
    if let Some(partitions) = options.partitions.filter(|wanted| *wanted != contents.partitions) {
        return Err(Error::Refused(format!(
            "{file} was made with {} partitions, and {partitions} are configured: a journal's \
             partition count cannot be changed",
            contents.partitions
        )));
    }
    Ok(())
}

struct Parts {
    database: Database,
    factory: DatabaseFactory,
    lock: DirectoryLock,
}

fn start(options: &EmbeddedOptions, contents: Contents, parts: Parts) -> Result<Embedded, Error> {
    let Contents { identity, partitions, places, .. } = contents;
    let time = JournalTime::begin(options.clock.now_ms(), places.newest_ms());
    let shared = Arc::new(Shared::new(parts.database, &places));
    // Bound: see the constant. When it is full, an append is refused.
    let (sender, queue) = mpsc::channel(QUEUE_ENTRIES_MAX);
    let writer = Writer {
        shared: Arc::clone(&shared),
        queue,
        places,
        identity,
        factory: parts.factory,
        lock: Some(parts.lock),
    };
    let failed = |error| Error::Refused(format!("cannot start the journal's thread: {error}"));
    // The thread waits for its queue and its backoff at once; this runtime does no more than that.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
    // Joined by `Embedded::close`; else it ends by itself soon after the last handle is gone.
    let thread = std::thread::Builder::new()
        .name("journal-writer".to_owned())
        .spawn(move || runtime.block_on(writer.run()))
        .map_err(failed)?;
    Ok(Embedded {
        inner: Arc::new(Inner {
            identity,
            partitions,
            shared,
            queue: sender,
            room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)),
            time,
            roster: Arc::new(Roster::new(partitions)),
            thread: Mutex::new(Some(thread)),
        }),
    })
}

fn make_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(|error| Error::Refused(format!("cannot make {}: {error}", dir.display())))?;
    dir.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_dir)
}

fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|error| Error::Refused(format!("cannot sync {}: {error}", dir.display())))
}
