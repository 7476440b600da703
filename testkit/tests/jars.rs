//! The cache of jars, and what somebody is told who lacks a program.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use testkit::{VERSION, class_path, find};

/// A folder of this test's own; a failing test leaves it under `target/`.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("jars-{name}"));
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).unwrap();
    path
}

/// A Maven that fetches nothing: it notes that it ran, and makes a jar, or fails.
fn maven(folder: &Path, last: &str) -> PathBuf {
    let script = format!(
        "#!/bin/sh\necho ran >>'{}/runs'\n\
         for last; do :; done\n{last}\n",
        folder.display()
    );
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    // By a shell: a program that this process has open for writing, or that another thread's child
    // inherits so, cannot be run.
    let write = ["-c", "printf %s \"$1\" >\"$0\" && chmod +x \"$0\""];
    let written = Command::new("sh").args(write).arg(bin.join("mvn")).arg(script).status();
    assert!(written.unwrap().success());
    bin
}

#[test]
fn who_lacks_java_or_maven_is_told_what_to_install() {
    let java = find("java", OsStr::new("")).unwrap_err().to_string();
    assert!(java.contains("java is not on the PATH") && java.contains("JDK, 17"), "{java}");
    let folder = scratch("no-maven");
    let maven = class_path(&folder, OsStr::new("")).unwrap_err().to_string();
    assert!(maven.contains("mvn is not on the PATH") && maven.contains("Maven"), "{maven}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn many_at_once_run_maven_once_and_later_ones_not_at_all() {
    let folder = scratch("once");
    let bin = maven(&folder, "touch \"${last#-DoutputDirectory=}/some.jar\"");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| class_path(&folder, bin.as_os_str()).unwrap());
        }
    });
    assert_eq!(fs::read_to_string(folder.join("runs")).unwrap(), "ran\n");
    assert!(folder.join(VERSION).join("libs/some.jar").exists());
    class_path(&folder, OsStr::new("")).unwrap();

    // Jars of other versions are not taken for these.
    fs::write(folder.join(VERSION).join("libs/pom.xml"), "of another version").unwrap();
    class_path(&folder, bin.as_os_str()).unwrap();
    assert_eq!(fs::read_to_string(folder.join("runs")).unwrap(), "ran\nran\n");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_failing_maven_leaves_no_half_cache_and_its_words_are_shown() {
    let folder = scratch("failing");
    let bin = maven(&folder, "echo '[ERROR] no route to the repository'; exit 1");
    let error = class_path(&folder, bin.as_os_str()).unwrap_err().to_string();
    assert!(error.contains(VERSION) && error.contains("no route to the repository"), "{error}");
    assert!(!folder.join(VERSION).join("libs").exists());
    fs::remove_dir_all(folder).unwrap();
}
