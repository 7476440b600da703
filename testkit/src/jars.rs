//! The caches of jars under `target/kafka/*/libs`, each filled by Maven once: Apache Kafka,
//! and its command-line tools.
//!
//! A complete `libs` appears by a rename or not at all, and holds the pom it was made from: equal
//! text means nothing to do. Test binaries that run at once share it behind a file lock. Where the
//! jars come from is Maven's business; no host is named here.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use crate::{Error, Process, find};

/// The version of Apache Kafka.
pub const VERSION: &str = "4.4.0";

/// The newest version of Kafka's tools that is published, in a folder of its own: they do not run
/// with the classes of 4.4.0.
const TOOLS_VERSION: &str = "4.3.1";

/// Group, name, version, and what its entry in the pom says besides.
type Artifact = (&'static str, &'static str, &'static str, &'static str);

/// Without this one nothing is logged. Its version is that of the `log4j-core` that Kafka brings.
const LOGGING: Artifact = ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.5", "");

const BROKER: [Artifact; 2] = [("org.apache.kafka", "kafka_2.13", VERSION, ""), LOGGING];

/// The tools, and of what they depend on only the part that the console's need: all of it would be
/// as large as the broker once more.
const TOOLS: [Artifact; 4] = [
    ("org.apache.kafka", "kafka-tools", TOOLS_VERSION, ALONE),
    ("org.apache.kafka", "kafka-tools-api", TOOLS_VERSION, ALONE),
    ("org.apache.kafka", "kafka-server-common", TOOLS_VERSION, ""),
    LOGGING,
];

const ALONE: &str = "<exclusions><exclusion><groupId>*</groupId>\
                     <artifactId>*</artifactId></exclusion></exclusions>";

/// What fetches it.
const GOAL: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// 45 MB of jars and Maven's own parts took 20 s here; a slow line gets its chance.
const FETCHED_WITHIN: Duration = Duration::from_mins(15);

/// A class path with the jars in `cache`, fetched first if they are not there: milliseconds or half
/// a minute. Programs are looked for in `path`.
///
/// # Errors
///
/// Maven is missing or failed: a sentence that says what to do.
pub fn class_path(cache: &Path, path: &OsStr) -> Result<OsString, Error> {
    filled(&cache.join(VERSION), &pom(&BROKER), path)
}

/// The same for the console's tools.
pub(crate) fn tools_class_path(cache: &Path, path: &OsStr) -> Result<OsString, Error> {
    filled(&cache.join(format!("tools-{TOOLS_VERSION}")), &pom(&TOOLS), path)
}

fn filled(folder: &Path, pom: &str, path: &OsStr) -> Result<OsString, Error> {
    let libs = folder.join("libs");
    if !is_made_from(&libs, pom) {
        fs::create_dir_all(folder).map_err(Error::io("making", folder))?;
        let lock = File::create(folder.join("lock")).map_err(Error::io("locking", folder))?;
        lock.lock().map_err(Error::io("locking", folder))?;
        // Another process may have fetched them while this one waited.
        if !is_made_from(&libs, pom) {
            fetch(folder, pom, path, &lock)?;
        }
    }
    Ok(libs.join("*").into_os_string())
}

fn is_made_from(libs: &Path, pom: &str) -> bool {
    fs::read_to_string(libs.join("pom.xml")).is_ok_and(|found| found == pom)
}

fn pom(artifacts: &[Artifact]) -> String {
    let dependencies = artifacts.iter().map(|(group, artifact, version, more)| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version>{more}</dependency>\n"
        )
    });
    format!(
        "<project><modelVersion>4.0.0</modelVersion>\n\
         <groupId>weir</groupId><artifactId>testkit</artifactId><version>0</version>\n\
         <dependencies>\n{}</dependencies></project>\n",
        dependencies.collect::<String>()
    )
}

/// Runs Maven into a folder aside and renames it. Whoever calls holds the lock.
fn fetch(folder: &Path, pom: &str, path: &OsStr, lock: &File) -> Result<(), Error> {
    let mvn = find("mvn", path)?;
    let aside = folder.join("aside");
    let made = aside.join("pom.xml");
    let log = folder.join("maven.log");
    clear(&aside)?;
    fs::create_dir_all(&aside).map_err(Error::io("making", &aside))?;
    fs::write(&made, pom).map_err(Error::io("writing", &made))?;
    // Maven appends to it, and the end of it is shown.
    File::create(&log).map_err(Error::io("making", &log))?;
    let mut into = OsString::from("-DoutputDirectory=");
    into.push(&aside);
    let options = ["-q", "-B", "-C", GOAL, "-DincludeScope=runtime", "-f"];
    let mut command: Vec<OsString> = vec![mvn.into_os_string()];
    command.extend(options.map(OsString::from));
    command.extend([made.clone().into_os_string(), into]);
    let ended = Process::spawn_holding(&command, &log, lock)?.wait(FETCHED_WITHIN)?;
    if !ended.success() {
        return Err(Error::new(format!(
            "Maven could not fetch Apache Kafka {VERSION} ({ended}); tests on Kafka need it once, \
             from a Maven repository that `mvn` can reach. {}",
            tail(&log)
        )));
    }
    let libs = folder.join("libs");
    clear(&libs)?;
    fs::rename(&aside, &libs).map_err(Error::io("renaming", &aside))
}

/// Removes a folder that need not be there.
pub(crate) fn clear(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if folder.exists() => Err(Error::io("removing", folder)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The last lines of a log, after its name.
pub(crate) fn tail(log: &Path) -> String {
    const LINES: usize = 25;
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LINES);
    format!("The end of {}:\n{}", log.display(), lines[from..].join("\n"))
}
