//! Reads a whole journal, as a proof needs it.
//!
//! Invariant: exactly the records between the bounds noted at the start, in offset order.

use std::time::Duration;

use journal::{Journal, Reader as _, Record};

/// How long reading may go without a record.
const PATIENCE: Duration = Duration::from_secs(60);

/// The records of each partition up to the end it has now. Not to be called on a runtime's thread.
pub(crate) fn read_all<J: Journal>(journal: &J) -> Vec<Vec<Record>> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(records(journal))
}

/// The same, for callers on a runtime.
pub(crate) async fn records<J: Journal>(journal: &J) -> Vec<Vec<Record>> {
    let mut bounds = Vec::new();
    for partition in 0..journal.partitions() {
        let known = journal.bounds(partition).await;
        bounds
            .push(known.unwrap_or_else(|error| panic!("bounds of partition {partition}: {error}")));
    }
    let mut partitions = Vec::new();
    for (partition, bounds) in (0..).zip(bounds) {
        let mut reader = journal.read(partition, bounds.start);
        let (mut records, mut next) = (Vec::new(), bounds.start);
        while next < bounds.end {
            let read = tokio::time::timeout(PATIENCE, reader.next()).await;
            let read = read.unwrap_or_else(|_| {
                panic!("partition {partition}: no record at {next}, which is below {bounds:?}")
            });
            let read = read.unwrap_or_else(|error| panic!("partition {partition}: {error}"));
            next = read.last().unwrap().offset + 1;
            records.extend(read.into_iter().filter(|record| record.offset < bounds.end));
        }
        partitions.push(records);
    }
    partitions
}
