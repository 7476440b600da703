//! The files of one campaign in a data directory, and how they are written: whole or not at all.
//!
//! Never here: a file that is changed in place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::{Clock, Embedded, EmbeddedOptions, KafkaCluster};

use crate::exit::Failure;

/// How many partitions a journal gets if nothing is said: as on Kafka.
const PARTITIONS: u32 = KafkaCluster::PARTITIONS_DEFAULT;

const JOURNAL: &str = "redb";
pub(super) const KEYS: &str = "keys.toml";

/// Where one campaign's files are.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    path: PathBuf,
    campaign: String,
}

impl Directory {
    pub(crate) fn new(path: &Path, campaign: &str) -> Self {
        Self { path: path.to_owned(), campaign: campaign.to_owned() }
    }

    /// The only campaign with a journal in this directory.
    pub(crate) fn of_only_campaign(path: &Path) -> Result<Self, Failure> {
        let cannot = |error: io::Error| {
            Failure::configuration(format!("--data {}: cannot be read: {error}", path.display()))
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(path).map_err(cannot)? {
            let file = entry.map_err(cannot)?.path();
            if file.extension().is_some_and(|extension| extension == JOURNAL)
                && let Some(campaign) = file.file_stem().and_then(|stem| stem.to_str())
            {
                found.push(campaign.to_owned());
            }
        }
        found.sort_unstable();
        match found.as_slice() {
            [campaign] => Ok(Self::new(path, campaign)),
            [] => Err(Failure::configuration(format!(
                "--data {}: there is no journal in it; give the directory that `weir up` was given",
                path.display()
            ))),
            [_, ..] => Err(Failure::configuration(format!(
                "--data {}: it has several campaigns ({}); say which with --campaign FILE",
                path.display(),
                found.join(", ")
            ))),
        }
    }

    /// The campaign's id.
    pub(crate) fn campaign(&self) -> &str {
        &self.campaign
    }

    /// Where the campaign's keys are if nothing else is said.
    pub(crate) fn keys_file(&self) -> PathBuf {
        self.file(KEYS)
    }

    pub(super) fn setup_file(&self) -> PathBuf {
        self.file("setup.toml")
    }

    /// Whether there is a journal, though there may be nothing in it.
    pub(crate) fn has_journal(&self) -> bool {
        self.file(JOURNAL).exists()
    }

    /// Opens the journal, or makes it.
    pub(crate) fn open_or_make(
        &self,
        partitions: Option<u32>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Embedded, Failure> {
        let mut options = EmbeddedOptions::existing(&self.path, &self.campaign);
        options.clock = Arc::clone(clock);
        options.partitions = partitions;
        options.new_partitions = partitions.or(Some(PARTITIONS));
        Ok(Embedded::open(&options)?)
    }

    /// Opens the journal, which must be there.
    pub(crate) fn open(&self, clock: &Arc<dyn Clock>) -> Result<Embedded, Failure> {
        Ok(Embedded::open(&self.existing(clock)?)?)
    }

    /// Opens the journal, which must be there, to look at it: nothing in the directory is changed.
    pub(crate) fn look(
        &self,
        partitions: Option<u32>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Embedded, Failure> {
        let options = EmbeddedOptions { partitions, ..self.existing(clock)? };
        Ok(Embedded::look(&options)?)
    }

    fn existing(&self, clock: &Arc<dyn Clock>) -> Result<EmbeddedOptions, Failure> {
        if !self.has_journal() {
            return Err(Failure::configuration(format!(
                "--data {}: there is no journal of {}; give the directory that `weir up` was given",
                self.path.display(),
                self.campaign
            )));
        }
        let mut options = EmbeddedOptions::existing(&self.path, &self.campaign);
        options.clock = Arc::clone(clock);
        Ok(options)
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.path.join(format!("{}.{extension}", self.campaign))
    }
}

/// Writes a file for its owner only: after a crash it is there whole, or as it was before.
pub(super) fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    let aside = write_aside(path, text)?;
    fs::rename(&aside, path)?;
    File::open(folder(path))?.sync_all()
}

/// The same, for a file that must not be there yet: of several who make it at once, one does.
/// Answers whether it was this one.
pub(crate) fn write_new(path: &Path, text: &str) -> io::Result<bool> {
    let aside = write_aside(path, text)?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Ok(()) => File::open(folder(path))?.sync_all().map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a file beside another, under a name of this process's own.
fn write_aside(path: &Path, text: &str) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder(path))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let aside = path.with_file_name(name);
    // What a crash left aside may have another mode.
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(aside)
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
