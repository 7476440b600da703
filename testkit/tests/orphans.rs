//! Nothing outlives a test that fails, or lets go of a process, running or paused. `killed.rs` has
//! the test process that is killed itself.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{env, fs, thread};

use testkit::{Kafka, Process, free_ports, wait_for};

const SOON: Duration = Duration::from_secs(60);

fn lives(pid: u32) -> bool {
    let asked = Command::new("sh").args(["-c", &format!("kill -0 {pid} 2>&1")]).output();
    asked.unwrap().status.success()
}

fn is_gone(pid: u32) -> bool {
    wait_for(SOON, || (!lives(pid)).then_some(())).is_some()
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
