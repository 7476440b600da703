//! Nothing outlives a test process that is killed or aborts: this test runs itself as a child that
//! starts a broker, paused or not, ends the child, and looks for what it left.
//!
//! There is no test harness here, because the child must be nothing but the child.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use testkit::{Kafka, wait_for};

const SOON: Duration = Duration::from_secs(60);

/// The first argument of the child; the second is what it does once its broker is there.
const CHILD: &str = "start-a-broker-and";

fn main() {
    let mut arguments = env::args().skip(1);
    if arguments.next().is_some_and(|first| first == CHILD) {
        return start_a_broker_and(&arguments.next().unwrap());
    }
    for told in ["pause", "abort"] {
        an_ended_test_process_leaves_no_broker_and_its_data_goes_with_the_next_cluster(told);
    }
    println!("an_ended_test_process_leaves_no_broker_and_its_data_goes_with_the_next_cluster: ok");
}

fn start_a_broker_and(told: &str) {
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

fn lives(pid: u32) -> bool {
    let asked = Command::new("sh").args(["-c", &format!("kill -0 {pid} 2>&1")]).output();
    asked.unwrap().status.success()
}

fn an_ended_test_process_leaves_no_broker_and_its_data_goes_with_the_next_cluster(told: &str) {
    let mut test = Command::new(env::current_exe().unwrap())
        .args([CHILD, told])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(test.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("of a test in")).unwrap();
    let mut words = line.split_whitespace();
    let pid: u32 = words.nth(1).unwrap().parse().unwrap();
    let logs = words.last().unwrap();
    let data = Path::new(logs).parent().unwrap().join("data");
    if told != "abort" {
        assert!(lives(pid) && data.exists());
        test.kill().unwrap();
    }
    assert!(!test.wait().unwrap().success());
    assert!(wait_for(SOON, || (!lives(pid)).then_some(())).is_some(), "after {told}: {pid} lives");
    // A process that kept the test's output open would keep a piped `cargo test` waiting.
    assert_eq!(lines.count(), 0);

    drop(Kafka::start(1));
    assert!(!data.exists(), "the data of a killed test stayed");
    fs::remove_dir_all(data.parent().unwrap()).unwrap();
}
