//! A Kafka cluster as a process uses it: one producer, one pool of reading consumers, one thread
//! for questions, whatever the number of campaigns.
//!
//! **What a journal is.** rdkafka has no safe way to ask for a topic's id, so the identity of a
//! campaign's journal is the one in record 0 of partition 0, which whoever made the topics drew at
//! random. A topic that is deleted and made again has another record 0 and so another identity.
//!
//! Never here: a topic made on the way, or a journal without its rules.

use std::sync::Arc;
use std::time::Duration;

use ballot::{JournalId, Record, Rules};
use tokio::time::timeout;

use super::heard::Heard;
use super::options::KafkaOptions;
use super::pool::Pool;
use super::producer::Producer;
use super::queries::Queries;
use super::read::KafkaReader;
use super::{Kafka, Topics};
use crate::{Error, Reader};

/// How long record 0, or the snapshots before the first that counts, may take to be read.
pub(super) const OPEN_MAX: Duration = Duration::from_secs(10);

/// A process's connections to a cluster. Cloning it gives another handle to the same.
///
/// Its threads end by themselves when the last handle, journal, reader and group is gone; none is
/// joined, and none holds up the end of the process.
#[derive(Debug, Clone)]
pub struct KafkaCluster {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: KafkaOptions,
    pub(super) heard: Arc<Heard>,
    pub(super) producer: Producer,
    pub(super) pool: Arc<Pool>,
    pub(super) queries: Queries,
}

impl KafkaCluster {
    /// Makes the clients. Does not wait for a broker: [`KafkaCluster::journal`] does.
    ///
    /// # Errors
    /// [`Error::Refused`] for a property that is the journal's own, that this build cannot honour,
    /// or that librdkafka does not take.
    pub fn connect(options: KafkaOptions) -> Result<Self, Error> {
        options.check()?;
        let heard = Arc::new(Heard::default());
        let producer = Producer::new(&options, &heard)?;
        let pool = Pool::new(options.reader(), &heard)?;
        let queries = Queries::new(&options, &heard)?;
        Ok(Self { shared: Arc::new(Shared { options, heard, producer, pool, queries }) })
    }

    /// Opens a campaign's journal.
    ///
    /// # Errors
    /// [`Error::Refused`] if it has no topics, no rules in them, or others than its topics are made
    /// for; [`Error::Unavailable`] if the brokers do not answer within some seconds.
    pub async fn journal(&self, campaign: &str) -> Result<Kafka, Error> {
        let (topics, partitions) = self.topics(campaign).await?;
        let rules = self.rules(&topics, partitions).await?.ok_or_else(|| {
            Error::Refused(format!("{} is empty: run `weir topics`", topics.ballots))
        })?;
        Ok(Kafka::new(self.clone(), topics, rules.journal, partitions))
    }

    /// Opens a campaign's journal to write the rules into it: with the identity in it, or with this
    /// one if it is still empty.
    ///
    /// # Errors
    /// As [`KafkaCluster::journal`], but for the rules.
    pub async fn founding(&self, campaign: &str, identity: JournalId) -> Result<Kafka, Error> {
        let (topics, partitions) = self.topics(campaign).await?;
        let rules = self.rules(&topics, partitions).await?;
        let identity = rules.map_or(identity, |rules| rules.journal);
        Ok(Kafka::new(self.clone(), topics, identity, partitions))
    }

    /// A campaign's topics, if both are there, and how many partitions the ballots have.
    async fn topics(&self, campaign: &str) -> Result<(Topics, u32), Error> {
        let topics = Topics::new(campaign);
        let missing =
            |name: &str| Error::Refused(format!("there is no topic {name}: run `weir topics`"));
        let queries = &self.shared.queries;
        let ballots = queries.made_topic(&topics.ballots).await?;
        let ballots = ballots.ok_or_else(|| missing(&topics.ballots))?;
        let tallies = queries.made_topic(&topics.tallies).await?;
        let tallies = tallies.ok_or_else(|| missing(&topics.tallies))?;
        if tallies.partitions != 1 {
            return Err(Error::Refused(format!(
                "{} has {} partitions and needs exactly 1",
                topics.tallies, tallies.partitions
            )));
        }
        Ok((topics, ballots.partitions))
    }

    /// The rules in record 0 of partition 0, if there is one.
    async fn rules(&self, topics: &Topics, partitions: u32) -> Result<Option<Rules>, Error> {
        let Shared { pool, queries, heard, .. } = &*self.shared;
        let (name, campaign) = (&topics.ballots, &topics.campaign);
        if queries.bounds(name, 0).await?.end == 0 {
            return Ok(None);
        }
        let (pool, queries) = (Arc::clone(pool), queries.clone());
        let mut reader = KafkaReader::new(pool, queries, Arc::clone(name), Ok(0), 0);
        let read = timeout(OPEN_MAX, reader.next()).await;
        let late = |_| Error::Unavailable(heard.explain(format!("{name} cannot be read")));
        let read = read.map_err(late)??;
        let rules = match read.first().map(|record| Record::decode(&record.value)) {
            Some(Ok(Record::Rules(rules))) => rules,
            Some(Ok(Record::Batch(_) | Record::Close(_)) | Err(_)) | None => {
                return Err(Error::Refused(format!(
                    "{name} does not begin with a rules record: this is not a journal of Weir"
                )));
            }
        };
        if rules.campaign != **campaign {
            let other = &rules.campaign;
            let sentence = format!("{name} is the journal of {other}, not of {campaign}");
            return Err(Error::Refused(sentence));
        }
        if rules.partitions != partitions {
            return Err(Error::Refused(format!(
                "{name} has {partitions} partitions, and its rules say {}: their number must \
                 never change",
                rules.partitions
            )));
        }
        Ok(Some(rules))
    }
}
