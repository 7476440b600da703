//! Opens an embedded journal: directory, lock, file, writer thread.
//!
//! Invariant: a journal is refused, and its file left as it is, if it is held by another process,
//! is damaged, has another partition count or another format. What it holds is on the disk before
//! it is used. Never here: a journal made in a file that is there.

use std::fs::{DirBuilder, File};
use std::path::Path;
use std::sync::{Arc, Mutex};

use ballot::JournalId;
use redb::Database;
use tokio::sync::{Semaphore, mpsc};

use super::command::{QUEUE_BYTES_MAX, QUEUE_ENTRIES_MAX};
use super::damage::{caught, damaged, is_damage};
use super::group::Roster;
use super::lock::DirectoryLock;
use super::look;
use super::shared::Shared;
use super::store::{self, Contents, FORMAT_VERSION};
use super::time::JournalTime;
use super::writer::Writer;
use super::{Embedded, EmbeddedOptions, Inner};
use crate::Error;

/// Makes the database of a journal, when it is opened and each time it must be opened again.
pub type DatabaseFactory = Box<dyn Fn() -> Result<Database, redb::DatabaseError> + Send>;

/// Opens or makes the journal. Blocks for some fsyncs.
pub(super) fn open(options: &EmbeddedOptions) -> Result<Embedded, Error> {
    let lock = take_lock(options)?;
    let file = options.file();
    if !file.exists() {
        options.wanted_partitions()?;
        make_file(options, &file)?;
    }
    // Looked at first, as opening writes, and what is damaged is evidence. What else may be wrong
    // is told by the opening itself.
    let cache_bytes = options.cache_bytes;
    match caught(|| inspect(&look::database(&file, cache_bytes)?)) {
        Ok(contents) => check_shape(options, &contents)?,
        Err(error) if is_damage(&error) => return Err(damaged(&file, &error.to_string())),
        Err(_) => {}
    }
    // Never makes a file: one that is gone while the journal is in use is not to be replaced.
    let factory = move || Database::builder().set_cache_size(cache_bytes).open(&file);
    open_locked(options, lock, Box::new(factory))
}

/// What is there, and proven to take writes.
fn inspect(database: &Database) -> Result<Contents, redb::Error> {
    let contents = store::inspect(database)?;
    // A file is moved into place with a journal in it, so somebody has emptied this one.
    let nothing = || redb::Error::Corrupted("there is no journal in it".to_owned());
    let contents = contents.ok_or_else(nothing)?;
    if contents.format == FORMAT_VERSION {
        store::prove(database)?;
    }
    Ok(contents)
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

/// The same, over a database of the caller's making, in which a journal is made if there is none.
pub(super) fn open_with(
    options: &EmbeddedOptions,
    factory: DatabaseFactory,
) -> Result<Embedded, Error> {
    let lock = take_lock(options)?;
    let made = factory().map_err(redb::Error::from).and_then(|database| {
        let is_empty = store::inspect(&database)?.is_none();
        Ok((database, is_empty))
    });
    let cannot = |error| cannot(&options.file(), error);
    let (database, is_empty) = made.map_err(cannot)?;
    if is_empty {
        create(options, &database, cannot)?;
    }
    drop(database);
    open_locked(options, lock, factory)
}

/// Opens a journal over its file without changing it.
pub(super) fn look(options: &EmbeddedOptions) -> Result<Embedded, Error> {
    options.check()?;
    let (file, cache_bytes) = (options.file(), options.cache_bytes);
    if !file.exists() {
        options.wanted_partitions()?;
    }
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
    let opened = caught(|| {
        let database = factory()?;
        let contents = inspect(&database)?;
        Ok((database, contents))
    });
    let (database, contents) = opened.map_err(|error| cannot(&options.file(), error))?;
    check_shape(options, &contents)?;
    // A file is durable only when its directory's entry is.
    sync_dir(&options.dir)?;
    start(options, contents, Parts { database, factory, lock })
}

fn cannot(file: &Path, error: redb::Error) -> Error {
    if is_damage(&error) {
        return damaged(file, &error.to_string());
    }
    Error::Refused(format!("cannot open {}: {error}", file.display()))
}

fn create(
    options: &EmbeddedOptions,
    database: &Database,
    cannot: impl Fn(redb::Error) -> Error,
) -> Result<(), Error> {
    let mut identity = [0; 16];
    getrandom::fill(&mut identity)
        .map_err(|error| Error::Refused(format!("no randomness for the identity: {error}")))?;
    let partitions = options.wanted_partitions()?;
    store::create(database, JournalId(identity), partitions).map_err(cannot)
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
    let shared = Arc::new(Shared::new(options.file(), parts.database, &places));
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
