//! What a journal on Kafka says while brokers are frozen, gone or back: never an acknowledgement
//! that is not true, never a wait beyond the deadline.

#![expect(clippy::unwrap_used, reason = "a failing test must say where")]

mod conformance;
#[path = "kafka/full.rs"]
mod full;
#[path = "kafka/kit.rs"]
mod kit;

use std::time::Duration;

use ballot::JournalId;
use conformance::{BASE_MS, Harness, append_some, read_some, value, within};
use journal::{AppendError, Error, Group, GroupEvent, Journal, KafkaCluster, KafkaOptions, Reader};
use kit::Campaigns;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::{Instant, timeout};

const APPEND_TIMEOUT: Duration = Duration::from_secs(3);
const READY: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_frozen_gone_or_back_makes_nobody_believe_what_is_not_so() {
    let kafka = testkit::Kafka::start(1);
    let mut options = KafkaOptions::new(kafka.bootstrap());
    options.append_timeout = APPEND_TIMEOUT;
    let campaigns = Campaigns::with(options);
    let journal = campaigns.new_journal(1).await;
    append_some(&journal, 0, 3).await;
    let mut follower = journal.read(0, 3);
    let mut member = journal.join();
    let assigned = within(&campaigns, "an assignment", member.next()).await.unwrap();
    assert!(matches!(assigned, GroupEvent::Assigned(_)));

    kafka.broker(1).pause();
    let asked = Instant::now();
    let fate = journal.append(0, BASE_MS, value(100)).await;
    assert!(matches!(fate, Err(AppendError::InDoubt(_))), "{fate:?}");
    assert!(asked.elapsed() >= APPEND_TIMEOUT - Duration::from_millis(50));
    assert!(asked.elapsed() < APPEND_TIMEOUT + Duration::from_secs(1), "{:?}", asked.elapsed());
    let bounds = within(&campaigns, "an answer", journal.bounds(0)).await;
    assert!(matches!(bounds, Err(Error::Unavailable(_))), "{bounds:?}");
    // Leaving has a deadline of its own.
    let leaving = timeout(Duration::from_secs(4), member.leave()).await;
    assert!(leaving.is_ok(), "leaving a group whose broker is frozen");
    kafka.broker(1).resume();

    // What was in doubt may be there or not; what is acknowledged from now on is.
    let offset = until_appended(&campaigns, &journal, 200).await;
    let read = within(&campaigns, "reading on", until(&mut follower, offset)).await;
    assert_eq!(read.last().unwrap().value, value(200));
    let middle = &read[..read.len() - 1];
    assert!(middle.iter().all(|record| record.value == value(100)), "{middle:?}");

    kafka.broker(1).kill();
    let fate = timeout(APPEND_TIMEOUT * 2, journal.append(0, BASE_MS, value(300))).await.unwrap();
    assert!(fate.is_err(), "nobody could have said so: {fate:?}");
    kafka.broker(1).start();
    kafka.broker(1).wait_ready(READY);
    let offset = until_appended(&campaigns, &journal, 400).await;
    let read = within(&campaigns, "reading on", until(&mut follower, offset)).await;
    assert_eq!(read.last().unwrap().value, value(400));
    let all = journal.bounds(0).await.unwrap();
    let again = read_some(&mut journal.read(0, 0), usize::try_from(all.end).unwrap()).await;
    assert_eq!(again.last().unwrap().offset, all.end - 1);
    full::a_full_queue_refuses_at_once_and_recovers(&kafka, &campaigns).await;
}

/// Error injection is what librdkafka's own mock is for; a real broker has no such button.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_that_failed_for_good_is_made_anew() {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("ballots.mock", 1, 1).unwrap();
    mock.create_topic("tallies.mock", 1, 1).unwrap();
    let cluster = KafkaCluster::connect(KafkaOptions::new(mock.bootstrap_servers())).unwrap();
    let journal = cluster.founding("mock", JournalId([1; 16])).await.unwrap();
    for failure in 0..3 {
        let before = journal.append(0, BASE_MS, value(1)).await.unwrap();
        // Of the first record in flight, this can only be a broker that lost what it had.
        let lost = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        mock.request_errors(RDKafkaApiKey::Produce, &[lost]);
        let fate = journal.append(0, BASE_MS, value(2)).await;
        assert!(matches!(fate, Err(AppendError::InDoubt(_))), "{fate:?}");
        let failed = Instant::now();
        let renewed = async {
            loop {
                match journal.append(0, BASE_MS, value(3)).await {
                    Ok(offset) => return offset,
                    // Nothing goes into a producer that is dead.
                    Err(error) => assert!(matches!(error, AppendError::Refused(_)), "{error:?}"),
                }
                tokio::time::sleep(full::LOOK_AGAIN).await;
            }
        };
        let after = timeout(Duration::from_secs(30), renewed).await.unwrap();
        assert_eq!(after, before + 1, "failure {failure}");
        eprintln!("made anew {:?} after failure {failure}", failed.elapsed());
    }
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_unavailable() {
    // Nothing listens there.
    let cluster = KafkaCluster::connect(KafkaOptions::new("127.0.0.1:1")).unwrap();
    let opened = cluster.journal("nowhere").await;
    assert!(matches!(opened, Err(Error::Unavailable(_))), "{opened:?}");
}

/// Appends a value until it is acknowledged.
async fn until_appended(campaigns: &Campaigns, journal: &impl Journal, number: u64) -> u64 {
    let appending = async {
        loop {
            match journal.append(0, BASE_MS, value(number)).await {
                Ok(offset) => return offset,
                Err(error) => eprintln!("not yet: {error}"),
            }
        }
    };
    within(campaigns, "the broker being back", appending).await
}

/// Reads up to and with the record at an offset.
async fn until(reader: &mut impl Reader, offset: u64) -> Vec<journal::Record> {
    let mut records: Vec<journal::Record> = Vec::new();
    while records.last().is_none_or(|last| last.offset < offset) {
        match reader.next().await {
            Ok(more) => records.extend(more),
            Err(error) => eprintln!("not yet: {error}"),
        }
    }
    records
}
