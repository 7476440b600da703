//! Topics: made, compared, and what a journal is by its rules.

use ballot::{Campaign, JournalId, Record, Rules};
use journal::{AppendError, Error, Journal, KafkaCluster};
use rdkafka::admin::{AdminOptions, AlterConfig, ResourceSpecifier};

use crate::conformance::{BASE_MS, Harness, append_some, value, within};
use crate::kit::Campaigns;

pub(crate) async fn topics_are_made_once_and_a_difference_is_refused_by_name(
    campaigns: &Campaigns,
) {
    let (cluster, name) = (&campaigns.cluster, campaigns.name());
    let missing = cluster.check_topics(&name, 1).await.unwrap_err().to_string();
    assert!(missing.contains(&format!("ballots.{name}")), "{missing}");
    assert!(missing.contains("weir topics"), "{missing}");
    assert_eq!(cluster.create_topics(&name, Some(3), 1).await, Ok(true));
    assert_eq!(cluster.create_topics(&name, Some(3), 1).await, Ok(false));
    assert!(matches!(cluster.create_topics(&name, Some(4), 1).await, Err(Error::Refused(_))));
    assert_eq!(cluster.create_topics(&name, None, 1).await, Ok(false));
    assert_eq!(cluster.check_topics(&name, 1).await, Ok(()));
    let few = cluster.check_topics(&name, 3).await.unwrap_err().to_string();
    assert!(few.contains("1 replicas and needs 3"), "{few}");

    let topic = format!("ballots.{name}");
    let spoilt = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("retention.ms", "1000");
    let altered = campaigns.admin().alter_configs(&[spoilt], &AdminOptions::new()).await.unwrap();
    assert!(altered[0].is_ok());
    let spoilt = cluster.check_topics(&name, 1).await.unwrap_err().to_string();
    assert!(spoilt.contains(&format!("{topic}: retention.ms is 1000 and must be -1")), "{spoilt}");
}

pub(crate) async fn a_journal_without_rules_is_refused_and_one_with_rules_has_their_identity(
    campaigns: &Campaigns,
) {
    let (cluster, name) = (&campaigns.cluster, campaigns.name());
    let sentence = |error: Error| error.to_string();
    let missing = cluster.journal(&name).await.map_err(sentence).unwrap_err();
    assert!(missing.contains("there is no topic"), "{missing}");
    cluster.create_topics(&name, Some(2), 1).await.unwrap();
    let empty = cluster.journal(&name).await.map_err(sentence).unwrap_err();
    assert!(empty.contains("is empty"), "{empty}");

    let identity = JournalId([7; 16]);
    let founding = cluster.founding(&name, identity).await.unwrap();
    assert_eq!(founding.identity(), identity);
    let rules = rules(&name, identity, 2);
    founding.append(0, BASE_MS, Record::Rules(rules).encode()).await.unwrap();
    let journal = cluster.journal(&name).await.unwrap();
    assert_eq!((journal.identity(), journal.partitions()), (identity, 2));
    // Whoever comes later with another identity gets the one that is there.
    let later = cluster.founding(&name, JournalId([9; 16])).await.unwrap();
    assert_eq!(later.identity(), identity);
}

pub(crate) async fn the_campaigns_of_a_cluster_can_be_listed_and_whether_one_has_begun(
    campaigns: &Campaigns,
) {
    let (cluster, name) = (&campaigns.cluster, campaigns.name());
    assert_eq!(cluster.is_empty(&name).await, Ok(true));
    assert!(!cluster.campaigns().await.unwrap().contains(&name));
    assert_eq!(cluster.create_topics(&name, None, 1).await, Ok(true));
    let listed = cluster.campaigns().await.unwrap();
    assert!(listed.contains(&name), "{listed:?}");
    assert!(listed.is_sorted(), "{listed:?}");
    assert_eq!(cluster.is_empty(&name).await, Ok(true));

    let journal = cluster.founding(&name, JournalId([5; 16])).await.unwrap();
    assert_eq!(journal.partitions(), KafkaCluster::PARTITIONS_DEFAULT);
    journal.heartbeat().await.unwrap();
    assert_eq!(cluster.is_empty(&name).await, Ok(true), "a heartbeat is no beginning");
    let last = KafkaCluster::PARTITIONS_DEFAULT - 1;
    journal.append(last, BASE_MS, value(1)).await.unwrap();
    assert_eq!(cluster.is_empty(&name).await, Ok(false));

    // Ballots made anew under kept snapshots: not a beginning either.
    let other = campaigns.new_journal(1).await;
    let name = campaigns.last_name();
    other.heartbeat().await.unwrap();
    other.publish(0, value(2)).await.unwrap();
    assert_eq!(cluster.is_empty(&name).await, Ok(false));
}

pub(crate) async fn a_topic_made_anew_under_a_running_process_takes_nothing_from_it(
    campaigns: &Campaigns,
) {
    let journal = campaigns.new_journal(2).await;
    let (name, topic) = (campaigns.last_name(), campaigns.last_topic());
    append_some(&journal, 0, 5).await;
    append_some(&journal, 1, 1).await;
    assert_eq!(journal.trouble(), None);
    let deleted = campaigns.admin().delete_topics(&[&topic], &AdminOptions::new()).await.unwrap();
    assert!(deleted[0].is_ok(), "{deleted:?}");
    let remaking = async {
        // The old one may linger for a moment.
        while cluster_made_it(campaigns, &name).await != Ok(true) {}
        loop {
            let fate = journal.append(0, BASE_MS, value(6)).await;
            assert!(fate.is_err(), "acknowledged by a log without rules: {fate:?}");
            eprintln!("a topic made anew: {fate:?}");
            if journal.trouble().is_some() {
                return;
            }
        }
    };
    within(campaigns, "the new topic is noticed", remaking).await;
    for partition in 0..2 {
        let fate = journal.append(partition, BASE_MS, value(7)).await;
        assert!(matches!(fate, Err(AppendError::Refused(_))), "{fate:?}");
    }
}

async fn cluster_made_it(campaigns: &Campaigns, name: &str) -> Result<bool, Error> {
    campaigns.cluster.create_topics(name, Some(2), 1).await
}

fn rules(campaign: &str, journal: JournalId, partitions: u32) -> Rules {
    let text = include_str!("../../../campaigns/hubei-2023.toml");
    let mut campaign_file = Campaign::parse(text).unwrap();
    campaign_file.id = campaign.to_owned();
    Rules::new(&campaign_file, journal, partitions, [3; 16])
}
