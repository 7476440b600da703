//! A broker's disk, formatted.
//!
//! Kafka's own tool formats one, once per version; every broker gets a copy with names of its own.
//! The tool takes as long as half a broker's start, and three at once took longer than that. Who
//! formats the first one has the turn, so nobody else does at the same time.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::jars::{clear, tail};
use crate::ports::random;
use crate::properties::{Node, server};
use crate::{Error, Process};

/// It takes 2 s on an idle machine.
const FORMATTED_WITHIN: Duration = Duration::from_secs(60);

/// What the tool makes besides the names: the first records of the cluster's metadata.
const METADATA: &str = "__cluster_metadata-0";

/// An id as Kafka writes them, 16 bytes in base64: any 21 letters of its alphabet, and one that
/// stands for four bits and padding.
pub(crate) fn random_id() -> String {
    format!("{:016x}{:05x}A", random(), random() >> 44)
}

/// A formatted disk to copy, made in `folder` if it is not there, by Java up to the class's name.
pub(crate) fn formatted(
    folder: &Path,
    java: &[OsString],
    logs: &Path,
    turn: &File,
) -> Result<PathBuf, Error> {
    let made = folder.join("formatted");
    if made.join(METADATA).exists() {
        return Ok(made);
    }
    let aside = folder.join("formatting");
    clear(&aside)?;
    let disk = aside.join("disk");
    fs::create_dir_all(&disk).map_err(Error::io("making", &disk))?;
    // Of all this only the quorum's kind (fixed voters) goes into what is made.
    let node = Node { number: 1, controller: 9093, listeners: Node::plain(9092) };
    let text = server(&node, std::slice::from_ref(&node), &disk, &[]);
    let properties = aside.join("server.properties");
    fs::write(&properties, text).map_err(Error::io("writing", &properties))?;
    let words = ["kafka.tools.StorageTool", "format", "-t", &random_id(), "-c"];
    let mut command = java.to_vec();
    command.extend(words.map(OsString::from));
    command.push(properties.into_os_string());
    let log = logs.join("format.log");
    let ended = Process::spawn_holding(&command, &log, turn)?.wait(FORMATTED_WITHIN)?;
    if !ended.success() {
        return Err(Error::new(format!("formatting a disk failed ({ended}). {}", tail(&log))));
    }
    clear(&made)?;
    fs::rename(&disk, &made).map_err(Error::io("renaming", &disk))?;
    clear(&aside)?;
    Ok(made)
}

/// The disk of one broker.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) data: PathBuf,
    pub(crate) formatted: PathBuf,
    pub(crate) cluster_id: String,
}

impl Disk {
    /// Makes it what it is before a broker's first start.
    pub(crate) fn format(&self, number: usize) -> Result<(), Error> {
        clear(&self.data)?;
        let metadata = self.data.join(METADATA);
        fs::create_dir_all(&metadata).map_err(Error::io("making", &metadata))?;
        let from = self.formatted.join(METADATA);
        for file in fs::read_dir(&from).map_err(Error::io("reading", &from))?.flatten() {
            let to = metadata.join(file.file_name());
            fs::copy(file.path(), &to).map_err(Error::io("writing", &to))?;
        }
        let names = format!(
            "version=1\ncluster.id={}\nnode.id={number}\ndirectory.id={}\n",
            self.cluster_id,
            random_id()
        );
        let file = self.data.join("meta.properties");
        fs::write(&file, names).map_err(Error::io("writing", &file))
    }
}
