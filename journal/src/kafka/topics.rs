//! A campaign's topics: made once by `weir topics`, compared by every process at its start.
//!
//! Invariant: what decides whether an acknowledged ballot stays is the same list in both. A
//! difference is refused by topic and key, with what was found and what is wanted. Never here: a
//! topic changed or deleted.

use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::time::{Instant, sleep};

use super::logging::Logging;
use super::options::{VALUE_BYTES_MAX, not_made};
use super::queries::{HEARD_OF_MAX, LOOK_AGAIN, Topic};
use super::survey::{REPLICAS, TopicSetting};
use super::{KafkaCluster, Topics};
use crate::Error;

/// What a request to the cluster may take.
const REQUEST_MAX: Duration = Duration::from_secs(15);

/// What every topic of ballots is: kept for good, with the time its writer gave.
const BALLOTS: [(&str, &str); 5] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("message.timestamp.type", "CreateTime"),
    ("unclean.leader.election.enable", "false"),
];

/// What every topic of snapshots is: the last of each key, with the time of the leader.
const TALLIES: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("message.timestamp.type", "LogAppendTime"),
    ("unclean.leader.election.enable", "false"),
];

/// How a topic of snapshots is made, beyond what it must be: small segments soon rolled, so that a
/// new reader has little to read. Whoever runs the cluster may change these.
const TALLIES_AT_FIRST: [(&str, &str); 5] = [
    ("segment.bytes", "8388608"),
    ("segment.ms", "600000"),
    ("min.cleanable.dirty.ratio", "0.1"),
    ("delete.retention.ms", "60000"),
    ("max.message.bytes", VALUE_BYTES_MAX),
];

impl KafkaCluster {
    /// How many partitions a campaign has if nobody says: 1, 2, 3 or 6 aggregators, and 3 brokers,
    /// share them evenly. One is good for hundreds of thousands of ballots a second; with each
    /// more, records get smaller, and what costs is the record. More never can be had.
    pub const PARTITIONS_DEFAULT: u32 = 6;

    /// Makes a campaign's topics where they are missing, and waits until they have leaders. Answers
    /// whether the topic of ballots was made by this call: whoever made it writes the rules.
    ///
    /// `partitions` is how many the ballots must have; `None` takes as many as there are, and
    /// [`KafkaCluster::PARTITIONS_DEFAULT`] for a new topic.
    ///
    /// # Errors
    /// [`Error::Refused`] for what the cluster does not allow, or a topic that is there and has
    /// another number of partitions; [`Error::Unavailable`].
    pub async fn create_topics(
        &self,
        campaign: &str,
        partitions: Option<u32>,
        replication: u32,
    ) -> Result<bool, Error> {
        let topics = Topics::new(campaign);
        let admin = self.admin()?;
        let in_sync = in_sync_min(replication).to_string();
        let at_first = partitions.unwrap_or(Self::PARTITIONS_DEFAULT);
        let ballots = new_topic(&topics.ballots, at_first, replication, &BALLOTS)?;
        let tallies = new_topic(&topics.tallies, 1, replication, &TALLIES)?;
        let tallies =
            TALLIES_AT_FIRST.iter().fold(tallies, |topic, (key, value)| topic.set(key, value));
        let new = [tallies, ballots].map(|topic| topic.set("min.insync.replicas", &in_sync));
        let made = self.answered(admin.create_topics(&new, &options())).await?;
        let mut is_new = false;
        for one in made {
            match one {
                Ok(name) => is_new |= *name == *topics.ballots,
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => return Err(failed_for(&name, code)),
            }
        }
        let found = self.until_led(&topics.ballots).await?;
        self.until_led(&topics.tallies).await?;
        match partitions.filter(|wanted| *wanted != found.partitions) {
            None => Ok(is_new),
            Some(wanted) => Err(Error::Refused(format!(
                "{} has {} partitions already and cannot be made with {wanted}",
                topics.ballots, found.partitions
            ))),
        }
    }

    /// Compares a campaign's topics with what they must be.
    ///
    /// # Errors
    /// [`Error::Refused`] with every difference, and if they have fewer than `replication`
    /// replicas; [`Error::Unavailable`].
    pub async fn check_topics(&self, campaign: &str, replication: u32) -> Result<(), Error> {
        let settings = self.compare_topics(campaign, replication).await?;
        let differs = settings.iter().filter(|setting| !setting.agrees);
        let differences: Vec<String> = differs.map(ToString::to_string).collect();
        if differences.is_empty() { Ok(()) } else { Err(Error::Refused(differences.join("; "))) }
    }

    /// All that a campaign's topics must be, each beside what they are.
    ///
    /// # Errors
    /// [`Error::Refused`] if a topic is missing, or its settings may not be read;
    /// [`Error::Unavailable`].
    pub async fn compare_topics(
        &self,
        campaign: &str,
        replication: u32,
    ) -> Result<Vec<TopicSetting>, Error> {
        let topics = Topics::new(campaign);
        let names = [&*topics.ballots, &*topics.tallies];
        let mut settings = Vec::new();
        let mut replicas = [0; 2];
        for (name, replicas) in names.iter().zip(&mut replicas) {
            let found = self.shared.queries.made_topic(name).await?;
            let Some(found) = found else {
                let sentence = format!("there is no topic {name}: run `weir topics`");
                return Err(Error::Refused(sentence));
            };
            *replicas = found.replicas;
            settings.push(TopicSetting {
                topic: (*name).to_owned(),
                key: REPLICAS.to_owned(),
                found: found.replicas.to_string(),
                wanted: replication.to_string(),
                agrees: found.replicas >= replication,
            });
        }
        let described = self.described(&names).await?;
        let wanted = [(&BALLOTS[..], replicas[0]), (&TALLIES[..], replicas[1])];
        for ((name, resource), (wanted, replicas)) in names.iter().zip(described).zip(wanted) {
            let in_sync = in_sync_min(replicas).to_string();
            let wanted = wanted.iter().copied().chain([("min.insync.replicas", &*in_sync)]);
            settings.extend(compare(name, &resource, wanted));
        }
        Ok(settings)
    }

    fn admin(&self) -> Result<AdminClient<Logging>, Error> {
        let config = self.shared.options.admin();
        let context = Logging::new("the client for topics", &self.shared.heard);
        AdminClient::from_config_and_context(&config, context).map_err(|error| not_made(&error))
    }

    /// The settings of topics. rdkafka says of a topic that cannot be described, whatever the
    /// reason, that it has none: it may also have been made a moment ago.
    async fn described(&self, names: &[&str]) -> Result<Vec<ConfigResource>, Error> {
        let admin = self.admin()?;
        let asked: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let deadline = Instant::now() + HEARD_OF_MAX;
        loop {
            let described = self.answered(admin.describe_configs(&asked, &options())).await?;
            let mut resources = Vec::new();
            for (name, resource) in names.iter().zip(described) {
                resources.push(resource.map_err(|code| failed_for(name, code))?);
            }
            let unread = resources.iter().position(|resource| resource.entries.is_empty());
            let Some(unread) = unread else { return Ok(resources) };
            if Instant::now() >= deadline {
                return Err(Error::Refused(format!(
                    "{}: its configuration cannot be read; the user needs DescribeConfigs on the \
                     topic",
                    names[unread]
                )));
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn answered<T>(
        &self,
        answer: impl Future<Output = Result<T, KafkaError>>,
    ) -> Result<T, Error> {
        let heard = &self.shared.heard;
        match heard.answer(REQUEST_MAX, answer).await {
            Some(answer) => answer.map_err(|error| Error::Unavailable(heard.explain(error))),
            None => Err(Error::Unavailable(heard.explain("Kafka did not answer in time"))),
        }
    }

    /// Waits until every partition of a topic has a leader.
    async fn until_led(&self, name: &str) -> Result<Topic, Error> {
        let deadline = Instant::now() + REQUEST_MAX;
        loop {
            match self.shared.queries.topic(name).await {
                Ok(Some(topic)) if topic.is_led && topic.partitions > 0 => return Ok(topic),
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "a new topic was looked for"),
            }
            if Instant::now() >= deadline {
                let sentence = format!("{name} has no leaders yet");
                return Err(Error::Unavailable(self.shared.heard.explain(sentence)));
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// With three replicas one may be away; with fewer than two there is nothing to wait for.
const fn in_sync_min(replication: u32) -> u32 {
    if replication < 2 { replication } else { 2 }
}

fn new_topic<'a>(
    name: &'a str,
    partitions: u32,
    replication: u32,
    configs: &[(&'a str, &'a str)],
) -> Result<NewTopic<'a>, Error> {
    let number = |number: u32| {
        i32::try_from(number).map_err(|_| Error::Refused(format!("{name}: {number} is too many")))
    };
    let replication = TopicReplication::Fixed(number(replication)?);
    let topic = NewTopic::new(name, number(partitions)?, replication);
    Ok(configs.iter().fold(topic, |topic, (key, value)| topic.set(key, value)))
}

/// Each setting that is wanted, beside what was found.
fn compare<'a>(
    name: &str,
    resource: &ConfigResource,
    wanted: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<TopicSetting> {
    let compared = wanted.map(|(key, wanted)| {
        let entry = resource.entries.iter().find(|entry| entry.name == key);
        let found = entry.and_then(|entry| entry.value.as_deref()).unwrap_or("nothing");
        TopicSetting {
            topic: name.to_owned(),
            key: key.to_owned(),
            found: found.to_owned(),
            wanted: wanted.to_owned(),
            agrees: found == wanted,
        }
    });
    compared.collect()
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(REQUEST_MAX)).operation_timeout(Some(REQUEST_MAX))
}

/// A verdict on one topic: the cluster answered, and trying again changes nothing.
fn failed_for(name: &str, code: RDKafkaErrorCode) -> Error {
    if code == RDKafkaErrorCode::InvalidReplicationFactor {
        let sentence = format!("{name}: the cluster has fewer brokers than replicas are wanted");
        return Error::Refused(format!("{sentence}; add brokers, or give a smaller --replication"));
    }
    Error::Refused(format!("{name}: {code}"))
}
