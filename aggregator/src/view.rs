//! The results view: follows the published snapshots and serves the tally document made of them.
//!
//! It serves nothing until it has read to the end noted at its start and has every partition; from
//! then on no frontier in what it serves ever falls.

use std::sync::Arc;
use std::time::Duration;

use ballot::{Rules, Snapshot, TallyDocument, content_hash, hex};
use bytes::Bytes;
use journal::{Error, Journal, PublishedSnapshots, SnapshotReader};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::rebuild::{OLD_END_MAX, RETRY_INTERVAL, bounds_reaching};
use crate::results::Results;

/// How often a new document is made at most: the flush interval's fraction that keeps many
/// partitions, each flushing on its own, from making a document per flush.
const DOCUMENT_INTERVAL: Duration = Duration::from_millis(100);

/// How long published snapshots may not be readable before those who count say so: as long as a
/// frontier may stand still.
const UNREAD_MAX: Duration = Duration::from_secs(10);

/// A result ready to be served.
#[derive(Debug)]
pub struct Served {
    /// The document.
    pub document: TallyDocument,
    /// The document as JSON.
    pub json: Bytes,
    /// Its strong entity tag, quoted.
    pub etag: String,
    /// The newest rules that every partition has folded.
    pub rules: Rules,
    /// The snapshots it is made of, one per partition.
    pub snapshots: Vec<Arc<Snapshot>>,
}

/// What a view gives out.
#[derive(Debug, Clone)]
pub struct View {
    /// What has been read so far; for owners of partitions.
    pub results: watch::Receiver<Results>,
    /// The newest document; `None` until there is one.
    pub served: watch::Receiver<Option<Arc<Served>>>,
    read: Arc<Notify>,
}

impl View {
    /// Waits until what has been read is enough. Those who wait are woken in the order in which
    /// they came; a watch channel wakes its receivers in an order drawn at random, and with that no
    /// simulation would run twice alike.
    pub(crate) async fn wait_for(&self, enough: impl Fn(&Results) -> bool) {
        loop {
            let mut read = std::pin::pin!(self.read.notified());
            // Enabled before looking, so that nothing read in between is missed.
            read.as_mut().enable();
            if enough(&self.results.borrow()) {
                return;
            }
            read.await;
        }
    }
}

impl View {
    /// Why the results are not what they could be, if so: refused, or not read for too long.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let results = self.results.borrow();
        if let Some(why) = &results.refused {
            return Some(format!("the published results are refused: {why}"));
        }
        let unread = results.unread.as_ref();
        let unread = unread.filter(|unread| unread.since.elapsed() > UNREAD_MAX)?;
        Some(format!("the published snapshots cannot be read: {}", unread.why))
    }

    /// Whether everything in the journal has been counted and published, after all that was
    /// published before this call has been read.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub async fn is_flushed<J: Journal>(&self, journal: &J) -> Result<bool, Error> {
        let end = journal.snapshots_end().await?;
        self.wait_for(|read| read.position >= end).await;
        for partition in 0..journal.partitions() {
            let end = journal.bounds(partition).await?.end;
            let results = self.results.borrow();
            let known = results.partitions.get(partition as usize);
            let highest = known.and_then(|known| known.highest.as_deref());
            let flushed = highest.is_some_and(|h| h.frontier() >= end || h.fold().is_final());
            if !flushed {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Makes a view of a journal's results, and the future that keeps it up to date: the caller spawns
/// and ends it.
pub fn view<J: Journal>(journal: J) -> (View, impl Future<Output = ()> + Send) {
    let results = Results::new(journal.identity(), journal.partitions());
    let (results_sender, results) = watch::channel(results);
    let (served_sender, served) = watch::channel(None);
    let read = Arc::new(Notify::new());
    let view = View { results, served, read: Arc::clone(&read) };
    let follow = async move { follow(&journal, &results_sender, &served_sender, &read).await };
    (view, follow)
}

async fn follow<J: Journal>(
    journal: &J,
    results: &watch::Sender<Results>,
    served: &watch::Sender<Option<Arc<Served>>>,
    read: &Notify,
) {
    let end = persist(|| journal.snapshots_end()).await;
    let mut reader = journal.snapshots();
    let mut document_at = None;
    loop {
        if !results.borrow().complete && results.borrow().position >= end {
            check(journal, results).await;
            read.notify_waiters();
            document_at = Some(Instant::now());
        }
        // Biased for determinism. The document's timer is armed only after a read, so it cannot
        // starve reading, and it comes first, so that a stream of reads cannot starve it.
        tokio::select! {
            biased;
            () = at(document_at), if document_at.is_some() => {
                document_at = None;
                serve(results, served);
            }
            next = reader.next() => match next {
                Ok(next) => {
                    results.send_modify(|results| take(results, &next));
                    read.notify_waiters();
                    let soon = Instant::now() + DOCUMENT_INTERVAL;
                    document_at = document_at.or(results.borrow().complete.then_some(soon));
                }
                Err(error) => {
                    results.send_modify(|results| {
                        if results.unread.is_none() {
                            tracing::warn!(%error, "published snapshots cannot be read");
                        }
                        results.note_unread(Instant::now(), error.to_string());
                    });
                    sleep(RETRY_INTERVAL).await;
                }
            },
        }
    }
}

fn take(results: &mut Results, next: &PublishedSnapshots) {
    if results.unread.take().is_some() {
        tracing::info!("published snapshots are read again");
    }
    results.position = next.position;
    let was_refused = results.refused.is_some();
    for entry in &next.entries {
        results.take(entry.partition, &entry.value);
    }
    // Until they are complete, `check` says so.
    if results.complete && !was_refused {
        tell_refusal(results);
    }
}

fn tell_refusal(results: &Results) {
    if let Some(why) = &results.refused {
        tracing::error!(why, "the published snapshots are refused, no result is served");
    }
}

async fn at(moment: Option<Instant>) {
    sleep_until(moment.unwrap_or_else(Instant::now)).await;
}

/// Compares what was read with the log itself, once: a snapshot beyond the log's end is of a log
/// that is no more.
async fn check<J: Journal>(journal: &J, results: &watch::Sender<Results>) {
    let until = Instant::now() + OLD_END_MAX;
    for partition in 0..journal.partitions() {
        let frontier = {
            let results = results.borrow();
            let known = results.partitions.get(partition as usize);
            known.and_then(|known| known.highest.as_ref()).map_or(0, |highest| highest.frontier())
        };
        let bounds = || bounds_reaching(journal, partition, frontier, until);
        let end = persist(bounds).await.end;
        results.send_modify(|results| {
            if frontier > end {
                results.refuse_as_lost(format!(
                    "the snapshot of partition {partition} has the frontier {frontier}, the log \
                     ends at {end}: records are gone"
                ));
            }
        });
    }
    results.send_modify(|results| {
        results.complete = true;
        tell_refusal(results);
    });
}

fn serve(results: &watch::Sender<Results>, served: &watch::Sender<Option<Arc<Served>>>) {
    let results = results.borrow();
    let (Some(document), Some(rules)) = (results.document(), results.rules()) else { return };
    let json = Bytes::from(document.to_json());
    let etag = format!("\"{}\"", hex(&content_hash(&json)[..16]));
    let same = served.borrow().as_ref().is_some_and(|served| served.etag == etag);
    if !same {
        let snapshots = results.partitions.iter().filter_map(|p| p.highest.clone()).collect();
        let rules = rules.clone();
        served.send_replace(Some(Arc::new(Served { document, json, etag, rules, snapshots })));
    }
}

/// Tries until it works: at the start there is nothing else to do.
async fn persist<T, F: Future<Output = Result<T, Error>>>(mut attempt: impl FnMut() -> F) -> T {
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => {
                tracing::warn!(%error, "the journal cannot be read, trying again");
                sleep(RETRY_INTERVAL).await;
            }
        }
    }
}
