//! The programs that the kit needs and does not fetch: `java`, `mvn`.
//!
//! The search path is an argument, so that a test can ask for a program that is not there without
//! touching its environment.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::Error;
use crate::jars::VERSION;

/// This process's search path.
pub(crate) fn search_path() -> OsString {
    env::var_os("PATH").unwrap_or_default()
}

/// Where a program is.
///
/// # Errors
///
/// It is in no folder of `path`: a sentence that says what to install.
pub fn find(program: &str, path: &OsStr) -> Result<PathBuf, Error> {
    let folders = env::split_paths(path).filter(|folder| !folder.as_os_str().is_empty());
    let mut places = folders.map(|folder| folder.join(program));
    places.find(|place| place.is_file()).ok_or_else(|| Error::new(missing(program)))
}

fn missing(program: &str) -> String {
    let install = match program {
        "java" => {
            "tests on Kafka need a JDK, 17 or newer; install one (Debian: openjdk-17-jdk-headless)"
                .to_owned()
        }
        "mvn" => {
            format!(
                "tests on Kafka fetch Apache Kafka {VERSION} with Maven; install it (Debian: maven)"
            )
        }
        other => format!("install {other}"),
    };
    format!("{program} is not on the PATH: {install}")
}
