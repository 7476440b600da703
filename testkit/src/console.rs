//! Kafka's own command-line tools, run against a cluster: what somebody sees who has no Weir.
//!
//! A tool is a process like any other of the kit: it ends with the test, and at a deadline. What it
//! writes to standard output is its result, byte for byte; what it logs stays with the cluster's
//! logs. It is told the cluster's brokers, unless its options say `--bootstrap-server`. Never here:
//! a tool's output taken apart.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::must;
use crate::jars::{class_path, tail, tools_class_path};
use crate::machine::{OPTIONS, machine};
use crate::tools::{find, search_path};
use crate::{Error, Kafka, Process, target};

/// One starts and ends within 2 s on an idle machine; a consumer without records never ends.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// Opens what `$1` and `$2` name as standard input and output, and becomes the rest.
const REDIRECTED: &str = r#"exec <"$1" >"$2" && shift 2 && exec "$@""#;

const BOOTSTRAP: &str = "--bootstrap-server";

impl Kafka {
    /// What the console consumer prints: with no other formatter, the bytes of each record's value
    /// and a line feed after each. It ends when it has seen as many records as `--max-messages`
    /// says; refused by the brokers, it prints nothing and ends as if all were well.
    ///
    /// # Panics
    ///
    /// It fails, or still runs after 60 s.
    #[must_use]
    #[track_caller]
    pub fn console_consumer(&self, options: &[&str]) -> Vec<u8> {
        must(self.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", options, b""))
    }

    /// Has the console producer make a record of each line; it ends when the brokers have answered.
    ///
    /// # Panics
    ///
    /// It fails, or still runs after 60 s.
    #[track_caller]
    pub fn console_producer(&self, options: &[&str], lines: &[u8]) {
        must(self.tool("org.apache.kafka.tools.ConsoleProducer", options, lines));
    }

    /// What a tool, named by its class, prints for these options and this input. It is told the
    /// cluster's brokers, unless the options say `--bootstrap-server`.
    ///
    /// # Errors
    ///
    /// It ends with another code than 0, or still runs after 60 s and is killed.
    pub fn tool(&self, class: &str, options: &[&str], input: &[u8]) -> Result<Vec<u8>, Error> {
        /// Numbers the files of this process's tools. Relaxed: a number need only be its own.
        static STARTED: AtomicU32 = AtomicU32::new(1);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let file = |ending: &str| self.logs().join(format!("tool-{number}.{ending}"));
        let (taken, printed, log) = (file("in"), file("out"), file("log"));
        fs::write(&taken, input).map_err(Error::io("writing", &taken))?;

        let mut command = ["sh", "-c", REDIRECTED, "tool"].map(OsString::from).to_vec();
        command.extend([taken.into_os_string(), printed.clone().into_os_string()]);
        command.extend(java(self.folder())?);
        command.push(class.into());
        if !options.contains(&BOOTSTRAP) {
            command.extend([BOOTSTRAP.into(), self.bootstrap().into()]);
        }
        command.extend(options.iter().map(OsString::from));
        let mut tool = Process::spawn_holding(&command, &log, &self.lock()?)?;
        let ended = tool.wait(ENDS_WITHIN);
        let failed = |how: String| Error::new(format!("{class} {how}. {}", tail(&log)));
        match ended {
            Ok(ended) if ended.success() => {
                fs::read(&printed).map_err(Error::io("reading", &printed))
            }
            Ok(ended) => Err(failed(format!("has failed ({ended})"))),
            Err(_) => Err(failed(format!("still runs after {ENDS_WITHIN:?}"))),
        }
    }
}

/// The machine a tool runs on; some use the broker's classes. The first one ever has Maven fetch
/// the tools.
fn java(folder: &Path) -> Result<Vec<OsString>, Error> {
    let (path, cache) = (search_path(), target().join("kafka"));
    let mut jars = tools_class_path(&cache, &path)?;
    jars.push(":");
    jars.push(class_path(&cache, &path)?);
    Ok(machine(&find("java", &path)?, &OPTIONS.map(str::to_owned), &jars, folder))
}
