//! The conformance suite on real Kafka, and what only Kafka has to show: topics and their settings,
//! times and moves of a real broker, records that are gone. Broken brokers are in
//! `kafka_faults.rs`.
//!
//! One broker serves all cases, in turn: starting it takes longer than they do.

#![expect(clippy::unwrap_used, reason = "a failing test must say where")]

#[path = "kafka/compaction.rs"]
mod compaction;
mod conformance;
#[path = "kafka/groups.rs"]
mod groups;
#[path = "kafka/kit.rs"]
mod kit;
#[path = "kafka/positions.rs"]
mod positions;
#[path = "kafka/topics.rs"]
mod topics;

use journal::{Error, KafkaCluster, KafkaOptions};
use kit::Campaigns;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_on_kafka_keeps_what_every_journal_keeps_and_more() {
    let (key, often) = compaction::OFTEN;
    let kafka = testkit::Kafka::builder(1).property(key, often).start();
    let campaigns = Campaigns::on(&kafka.bootstrap());
    conformance::every_case(&campaigns).await;
    groups::members_share_partitions_and_hand_them_over(&campaigns).await;
    groups::a_member_that_is_dropped_leaves_in_the_background(&campaigns).await;
    positions::position_at_agrees_with_a_scan_over_many_segments(&campaigns).await;
    positions::records_that_were_deleted_are_out_of_range(&campaigns).await;
    positions::readers_share_a_partition_up_to_a_bound(&campaigns).await;
    topics::topics_are_made_once_and_a_difference_is_refused_by_name(&campaigns).await;
    topics::a_journal_without_rules_is_refused_and_one_with_rules_has_their_identity(&campaigns)
        .await;
    topics::the_campaigns_of_a_cluster_can_be_listed_and_whether_one_has_begun(&campaigns).await;
    topics::a_topic_made_anew_under_a_running_process_takes_nothing_from_it(&campaigns).await;
    compaction::the_last_snapshot_of_each_partition_outlives_compaction(&campaigns).await;
}

#[test]
fn properties_that_are_the_journals_own_are_refused_by_name() {
    let refused = |key: &str, value: &str| {
        let mut options = KafkaOptions::new("127.0.0.1:1");
        options.properties.push((key.to_owned(), value.to_owned()));
        match KafkaCluster::connect(options) {
            Err(Error::Refused(sentence)) => sentence,
            other => format!("{other:?}"),
        }
    };
    for key in ["acks", "enable.idempotence", "Group.Id", "auto.offset.reset", "linger.ms"] {
        let sentence = refused(key, "0");
        assert!(
            sentence.starts_with(&format!("the property {}", key.to_lowercase())),
            "{sentence}"
        );
    }
    assert!(refused("no.such.key", "1").contains("no.such.key"));
    assert!(refused("socket.timeout.ms", "soon").contains("socket.timeout.ms"));
    if !cfg!(feature = "tls") {
        for (key, value) in [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "SCRAM-SHA-256")]
        {
            let sentence = refused(key, value);
            assert!(sentence.contains("feature `tls`"), "{sentence}");
        }
    }
}
