//! The Java machine that brokers and tools of a cluster run on.
//!
//! It writes nothing outside the cluster's folder: what it crashes with goes to the logs, what it
//! unpacks to the data.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// For tests: small heap, quick start.
pub(crate) const OPTIONS: [&str; 4] =
    ["-Xmx384m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// The command up to the name of the class.
pub(crate) fn machine(
    java: &Path,
    options: &[String],
    jars: &OsStr,
    folder: &Path,
) -> Vec<OsString> {
    let option = |name: &str, path: PathBuf| {
        let mut option = OsString::from(name);
        option.push(path);
        option
    };
    let mut command = vec![java.as_os_str().to_owned()];
    command.extend(options.iter().map(OsString::from));
    command.extend([
        OsString::from("-XX:-UsePerfData"),
        option("-XX:ErrorFile=", folder.join("logs").join("crash-%p.log")),
        option("-Djava.io.tmpdir=", folder.join("data")),
        option("-Dlog4j2.configurationFile=", folder.join("log4j2.properties")),
        OsString::from("-cp"),
        jars.to_owned(),
    ]);
    command
}
