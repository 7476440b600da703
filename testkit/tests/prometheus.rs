//! A Prometheus of the test kit: it is there, evaluates rules, scrapes and answers. And the cache
//! of Debian packages that it comes from.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use testkit::{Prometheus, unpacked, wait_for};

const CONFIG: &str = "\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [rules.yml]
scrape_configs:
  - job_name: nobody
    static_configs:
      - targets: ['127.0.0.1:1']
";
const RULES: &str = "\
groups:
  - name: all
    rules:
      - record: job:down:count
        expr: count by (job) (up == 0)
";

#[test]
fn a_prometheus_scrapes_evaluates_and_answers() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prometheus");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("rules.yml"), RULES).unwrap();
    let prometheus = Prometheus::start(CONFIG, &dir);
    let found = wait_for(Duration::from_secs(30), || {
        let series = prometheus.query("job:down:count{job=\"nobody\"} + 0");
        series.get(0).map(|series| series["value"].clone())
    });
    let value = found.expect("the rule gives a value");
    assert_eq!(value[1], "1");
    let at = value[0].as_f64().expect("a time");
    let values = prometheus.query_range("job:down:count", (at - 5.0, at), 1.0);
    assert!(!values[0]["values"].as_array().expect("values").is_empty(), "{values}");
    assert_eq!(prometheus.api("targets")["activeTargets"][0]["health"], "down");
}

/// A folder of this test's own; a failing test leaves it under `target/`.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("debian-{name}"));
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).unwrap();
    path
}

/// An apt whose machine has no lists, and a dpkg: each notes that it ran.
fn apt(folder: &Path) -> PathBuf {
    let runs = folder.join("runs");
    let apt = "lists=; for word; do case $word in *::Lists=*) lists=${word#*=};; esac; last=$word; \
               done\n\
               case $last in update) touch \"$lists/new\";; \
               *) test -e \"$lists/new\" && touch \"$last.deb\";; esac";
    let dpkg = "mkdir \"$3\" && mv \"$2\" \"$3\"";
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    for (name, does) in [("apt-get", apt), ("dpkg", dpkg)] {
        let script = format!("#!/bin/sh\necho {name} >>'{}'\n{does}\n", runs.display());
        // By a shell: a program that this process, or another thread's child, has open for writing
        // cannot be run.
        let write = ["-c", "printf %s \"$1\" >\"$0\" && chmod +x \"$0\""];
        let written = Command::new("sh").args(write).arg(bin.join(name)).arg(script).status();
        assert!(written.unwrap().success());
    }
    bin
}

#[test]
fn many_at_once_fetch_a_package_once_by_lists_of_their_own_where_there_are_none() {
    let folder = scratch("once");
    let bin = apt(&folder);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| unpacked(&folder, "some", bin.as_os_str()).unwrap());
        }
    });
    // The machine's lists, our own, the package by them; and unpacked.
    assert_eq!(fs::read_to_string(folder.join("runs")).unwrap(), "apt-get\n".repeat(3) + "dpkg\n");
    let root = unpacked(&folder, "some", OsStr::new("")).unwrap();
    assert!(root.join("some.deb").exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn who_lacks_apt_is_told() {
    let folder = scratch("none");
    let error = unpacked(&folder, "some", OsStr::new("")).unwrap_err().to_string();
    assert!(error.contains("apt-get is not on the PATH"), "{error}");
    fs::remove_dir_all(folder).unwrap();
}
