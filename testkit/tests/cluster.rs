//! Real clusters: started, paused, killed, stopped, wiped, with one broker and with three.
//!
//! What a broker says of itself is checked by asking it, not by trusting the kit.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testkit::{Kafka, answers, wait_for};

const SOON: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_secs(1);

fn lives(pid: u32) -> bool {
    let asked = Command::new("sh").args(["-c", &format!("kill -0 {pid} 2>&1")]).output();
    asked.unwrap().status.success()
}

#[test]
fn one_broker_starts_answers_pauses_and_comes_back_from_a_kill_and_a_stop() {
    let kafka = Kafka::start(1);
    let broker = kafka.broker(1);
    let port = broker.port();
    assert_eq!(kafka.bootstrap(), format!("127.0.0.1:{port}"));
    TcpStream::connect(kafka.bootstrap()).unwrap();
    assert!(answers(port, SOON));

    broker.pause();
    assert!(!answers(port, MOMENT), "a paused broker answered");
    broker.resume();
    assert!(answers(port, SOON));

    let killed = broker.pid();
    broker.kill();
    assert!(!lives(killed));
    TcpStream::connect(kafka.bootstrap()).unwrap_err();
    broker.start();
    broker.wait_ready(SOON);
    assert_ne!(broker.pid(), killed);

    broker.pause();
    broker.stop();
    assert!(broker.log().contains("App info kafka.server for 1 unregistered"), "{}", broker.log());

    // What the kit looks for when a cluster's first start finds a port taken.
    let taken = TcpListener::bind(kafka.bootstrap()).unwrap();
    broker.start();
    catch_unwind(AssertUnwindSafe(|| broker.wait_ready(SOON))).unwrap_err();
    assert!(broker.log().contains("Address already in use"), "{}", broker.log());
    broker.kill();
    drop(taken);

    broker.wipe();
    broker.start();
    kafka.wait_ready(SOON);
}

#[test]
fn three_brokers_reach_a_quorum_and_outlive_any_one_of_them() {
    let kafka = Kafka::start(3);
    assert_eq!(kafka.bootstrap().split(',').count(), 3);
    let leaders = || {
        let logs = kafka.brokers().iter().map(testkit::Broker::log);
        logs.filter(|log| log.contains("Completed transition to Leader")).count()
    };
    assert!(leaders() >= 1, "no log tells of an election");
    for broker in kafka.brokers() {
        broker.kill();
        let others = kafka.brokers().iter().filter(|other| other.is_started());
        assert_eq!(others.filter(|other| answers(other.port(), SOON)).count(), 2);
        if broker.number() == 3 {
            broker.wipe();
        }
        broker.start();
        broker.wait_ready(SOON);
    }
}

#[test]
fn a_listener_with_passwords_and_a_setting_are_the_tests_own() {
    let login = "org.apache.kafka.common.security.plain.PlainLoginModule required \
                 user_weir=\"secret\";";
    let kafka = Kafka::builder(1)
        .listener("CLIENTS", "SASL_PLAINTEXT")
        .property("listener.name.clients.sasl.enabled.mechanisms", "PLAIN")
        .property("listener.name.clients.plain.sasl.jaas.config", login)
        .property("group.consumer.session.timeout.ms", "4000")
        .start();
    assert_ne!(kafka.bootstrap_on("CLIENTS"), kafka.bootstrap());
    TcpStream::connect(kafka.bootstrap_on("CLIENTS")).unwrap();
    assert!(kafka.broker(1).log().contains("group.consumer.session.timeout.ms = 4000"));
}

#[test]
fn a_broker_that_refuses_its_settings_fails_the_start_with_its_log_and_keeps_it() {
    let error = Kafka::builder(1).property("log.retention.hours", "soon").try_start().unwrap_err();
    let sentence = error.to_string();
    assert!(sentence.contains("log.retention.hours"), "{sentence}");
    let log = sentence.lines().find_map(|line| line.split_once("The end of ")).unwrap().1;
    let log = Path::new(log.trim_end_matches(':'));
    assert!(log.exists(), "{} is gone", log.display());
    fs::remove_dir_all(log.ancestors().nth(2).unwrap()).unwrap();
}

#[test]
fn a_thread_with_a_cluster_that_wants_another_is_told_instead_of_waiting_for_itself() {
    let kafka = Kafka::start(1);
    let refused = Kafka::builder(1).try_start().unwrap_err();
    assert!(refused.to_string().contains("drop it before starting another"), "{refused}");
    drop(kafka);
    let again = Kafka::start(1);
    assert!(wait_for(SOON, || answers(again.broker(1).port(), SOON).then_some(())).is_some());
}
