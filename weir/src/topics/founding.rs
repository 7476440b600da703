//! How a campaign begins on Kafka: keys, topics, and the rules record in each partition.
//!
//! Invariant: record 0 of partition 0 decides. Whoever finds it empty writes there first, reads it
//! back, and writes into the other partitions what it says; so two who begin at once, or one who
//! was cut short, end with one journal. Never here: a beginning where something was before.

use std::path::Path;

use aggregator::{FoundingError, found, view};
use ballot::{Campaign, JournalId, Record, Rules};
use journal::{Journal as _, Kafka, KafkaCluster};
use tokio_util::task::AbortOnDropHandle;

use crate::config::{Keys, keys_file};
use crate::exit::Failure;
use crate::say;

/// The keys in a file, or new ones if the campaign has nothing yet that they could be lost for.
pub(super) async fn keys(
    cluster: &KafkaCluster,
    given: &Path,
    campaign: &str,
) -> Result<Keys, Failure> {
    let file = keys_file(given, campaign);
    let name = file.display();
    if let Some(keys) = Keys::read(&file)? {
        keys.token_keys(campaign)?;
        return Ok(keys);
    }
    if !cluster.is_empty(campaign).await? {
        return Err(Failure::configuration(format!(
            "--keys {name}: there is no such file, but the campaign has begun, and without its \
             pseudonym_key every voter could vote again; give the keys it began with"
        )));
    }
    let (keys, made) = Keys::make(&file)?;
    if made {
        say(&format!("{campaign} has new keys in {name}: keep a copy."));
    }
    Ok(keys)
}

/// The journal, with topics that are as they must be and rules in every partition.
pub(super) async fn journal(
    cluster: &KafkaCluster,
    (campaign, keys): (&Campaign, &Keys),
    (partitions, replication): (Option<u32>, u32),
    now_ms: i64,
) -> Result<Kafka, Failure> {
    let id = &campaign.id;
    if cluster.create_topics(id, partitions, replication).await? {
        say(&format!("made the topics ballots.{id} and tallies.{id}"));
    }
    cluster.check_topics(id, replication).await?;
    let fingerprint = keys.pseudonym_key().fingerprint();
    let rules = |journal: &Kafka| {
        Rules::new(campaign, journal.identity(), journal.partitions(), fingerprint)
    };
    let journal = cluster.founding(id, drawn()?).await?;
    if is_founded(&journal).await? {
        return Ok(journal);
    }
    refuse_what_was_counted(&journal, id).await?;
    if journal.bounds(0).await?.end == 0 {
        let first = Record::Rules(rules(&journal)).encode();
        journal.append(0, now_ms, first).await.map_err(FoundingError::from)?;
    }
    // Another may have been first: what stands at the beginning now stands for good.
    let journal = cluster.journal(id).await?;
    found(&journal, &rules(&journal), now_ms).await?;
    Ok(journal)
}

async fn is_founded(journal: &Kafka) -> Result<bool, Failure> {
    for partition in 0..journal.partitions() {
        if journal.bounds(partition).await?.end == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An empty partition beside snapshots is not a beginning: its records are gone.
async fn refuse_what_was_counted(journal: &Kafka, campaign: &str) -> Result<(), Failure> {
    let (view, follow) = view(journal.clone());
    // Ends with this function.
    let _following = AbortOnDropHandle::new(tokio::spawn(follow));
    let mut results = view.results.clone();
    let read = results.wait_for(|results| results.complete).await;
    let read = read.map_err(|_| Failure::internal("the snapshots cannot be read"))?;
    let counted = read.partitions.iter().any(|partition| partition.highest.is_some());
    if counted || read.refused.is_some() {
        return Err(Failure::journal(format!(
            "ballots.{campaign} has an empty partition, but tallies.{campaign} has snapshots of \
             what was counted: ballots are gone. Restore them; or, to begin anew, delete both \
             topics"
        )));
    }
    Ok(())
}

/// The identity of a new journal.
fn drawn() -> Result<JournalId, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::internal(format!("no randomness for a journal: {error}")))?;
    Ok(JournalId(bytes))
}
