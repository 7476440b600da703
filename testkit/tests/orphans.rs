//! Nothing outlives a test: neither its panic nor `kill -9` of its process leaves a broker behind,
//! running or paused.
//!
//! The test that is killed runs in a process of its own: this binary again, asked for one test.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use testkit::{Kafka, Process, free_ports, wait_for};

const SOON: Duration = Duration::from_secs(60);

/// Set for the test process that is to be killed, to what it does to its broker.
const TOLD: &str = "TESTKIT_ORPHAN";

fn lives(pid: u32) -> bool {
    let asked = Command::new("sh").args(["-c", &format!("kill -0 {pid} 2>&1")]).output();
    asked.unwrap().status.success()
}

fn is_gone(pid: u32) -> bool {
    wait_for(SOON, || (!lives(pid)).then_some(())).is_some()
}

#[test]
#[ignore = "run and killed by the test below"]
fn a_test_that_is_killed() {
    let Ok(told) = env::var(TOLD) else { return };
    let kafka = Kafka::start(1);
    let broker = kafka.broker(1);
    if told == "pause" {
        broker.pause();
    }
    println!("broker {} of a test in {}", broker.pid(), kafka.logs().display());
    if told == "abort" {
        std::process::abort();
    }
    // Until it is killed.
    drop(io::stdin().read_to_end(&mut Vec::new()));
}

#[test]
fn a_killed_test_process_leaves_no_broker_and_its_data_goes_with_the_next_cluster() {
    for told in ["pause", "abort"] {
        let mut test = Command::new(env::current_exe().unwrap())
            .args(["--exact", "a_test_that_is_killed", "--ignored", "--nocapture"])
            .env(TOLD, told)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(test.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.contains("of a test in")).unwrap();
        let mut words = line.split_whitespace().skip_while(|word| !word.ends_with("broker"));
        let pid: u32 = words.nth(1).unwrap().parse().unwrap();
        let logs = words.last().unwrap();
        let data = Path::new(logs).parent().unwrap().join("data");
        if told != "abort" {
            assert!(lives(pid) && data.exists());
            test.kill().unwrap();
        }
        assert!(!test.wait().unwrap().success());
        assert!(is_gone(pid), "after {told}: {pid} is still there");
        // A process that kept the test's output open would keep a piped `cargo test` waiting.
        assert_eq!(lines.count(), 0);

        drop(Kafka::start(1));
        assert!(!data.exists(), "the data of a killed test stayed");
        fs::remove_dir_all(data.parent().unwrap()).unwrap();
    }
}

#[test]
fn a_test_that_panics_leaves_no_broker_but_its_logs() {
    let test = thread::Builder::new().name("panicking".to_owned()).spawn(|| {
        let kafka = Kafka::start(1);
        let broker = kafka.broker(1).pid();
        std::panic::panic_any((broker, kafka.logs()));
    });
    let failed = test.unwrap().join().unwrap_err();
    let (pid, logs) = *failed.downcast::<(u32, PathBuf)>().unwrap();
    assert!(is_gone(pid));
    assert!(logs.join("broker-1-run-1.log").exists());
    assert!(!logs.parent().unwrap().join("data").exists());
    fs::remove_dir_all(logs.parent().unwrap()).unwrap();
}

#[test]
fn any_process_is_signalled_awaited_and_killed_when_dropped() {
    let log = env::temp_dir().join(format!("testkit-{}.log", free_ports(1)[0]));
    let mut process = Process::spawn(&["sh", "-c", "echo here; exec sleep 1000"], &log).unwrap();
    assert!(wait_for(SOON, || fs::read(&log).ok().filter(|text| text == b"here\n")).is_some());
    assert!(process.ended().is_none());
    process.signal("NONSENSE").unwrap_err();
    process.signal("TERM").unwrap();
    assert_eq!(process.wait(SOON).unwrap().code(), Some(128 + 15));
    process.signal("TERM").unwrap_err();

    let paused = Process::spawn(&["sleep", "1000"], &log).map(|mut paused| {
        paused.signal("STOP").unwrap();
        paused
    });
    let pid = paused.as_ref().unwrap().pid();
    drop(paused);
    assert!(!lives(pid));

    let mut missing = Process::spawn(&["no-such-program"], &log).unwrap();
    assert_eq!(missing.wait(SOON).unwrap().code(), Some(127));
    fs::remove_file(log).unwrap();
}
