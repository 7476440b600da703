//! More appends at once than the producer's queue takes, while the broker answers nothing.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use bytes::Bytes;
use journal::{AppendError, Journal, Kafka};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::conformance::{BASE_MS, Harness, append_some, read_some};
use crate::kit::Campaigns;

/// The bounds of the queue, as the driver sets them.
const RECORDS_MAX: usize = 10_000;
const BYTES_MAX: usize = 64 << 20;
const AT_ONCE: Duration = Duration::from_secs(1);
/// A full queue refuses at once, so asking again takes no time.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The queue, once more in the values that the appends hold, and as much again for the rest.
const GROWTH_KIB_MAX: u64 = 192 << 10;

type Fate = (u64, Result<u64, AppendError>, Duration);

pub(crate) async fn a_full_queue_refuses_at_once_and_recovers(
    kafka: &testkit::Kafka,
    campaigns: &Campaigns,
) {
    let journal = campaigns.new_journal(2).await;
    let mut first = 0;
    for (appends, bytes) in [(6_000, 16 << 10), (12_000, 16)] {
        append_some(&journal, 0, 1).await;
        kafka.broker(1).pause();
        let before_kib = resident_kib();
        let fates = burst(&journal, first..first + appends, bytes).await;
        let growth_kib = resident_kib().saturating_sub(before_kib);
        kafka.broker(1).resume();
        first += appends;
        let mut taken = 0;
        for (_, fate, took) in &fates {
            assert!(fate.is_err(), "a frozen broker acknowledged: {fate:?}");
            match fate {
                Err(AppendError::Refused(_)) => assert!(*took < AT_ONCE, "refused after {took:?}"),
                Err(AppendError::InDoubt(_)) | Ok(_) => taken += 1,
            }
        }
        eprintln!("{taken} of {appends} taken, {growth_kib} KiB more");
        let most = RECORDS_MAX.min(BYTES_MAX / bytes);
        assert!((most / 2..=most).contains(&taken), "{taken} taken, at most {most} fit");
        assert!(growth_kib < GROWTH_KIB_MAX, "{growth_kib} KiB more");
        until_it_takes(&journal).await;
        compare(&journal, &fates).await;
    }
}

/// Appends all of these at once. What a refused one held is free again at once.
async fn burst(journal: &Kafka, numbers: std::ops::Range<u64>, bytes: usize) -> Vec<Fate> {
    let mut appends = JoinSet::new();
    for number in numbers {
        let journal = journal.clone();
        appends.spawn(async move {
            let asked = Instant::now();
            let fate = journal.append(1, BASE_MS, numbered(number, bytes)).await;
            (number, fate, asked.elapsed())
        });
    }
    appends.join_all().await
}

fn numbered(number: u64, bytes: usize) -> Bytes {
    let mut value = number.to_le_bytes().to_vec();
    value.resize(bytes, 0);
    Bytes::from(value)
}

/// Waits until an append is acknowledged; whatever was taken before it is then decided.
async fn until_it_takes(journal: &Kafka) {
    let taking = async {
        while journal.append(1, BASE_MS, numbered(u64::MAX, 16)).await.is_err() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), taking).await.is_ok());
}

/// Refused is not in the log, in doubt at most once.
async fn compare(journal: &Kafka, fates: &[Fate]) {
    let end = journal.bounds(1).await.unwrap().end;
    let mut found: BTreeMap<u64, u32> = BTreeMap::new();
    for record in read_some(&mut journal.read(1, 0), usize::try_from(end).unwrap()).await {
        *found.entry(u64::from_le_bytes(record.value[..8].try_into().unwrap())).or_default() += 1;
    }
    let mut late = 0;
    for (number, fate, _) in fates {
        let times = found.get(number).copied().unwrap_or_default();
        let most = u32::from(matches!(fate, Err(AppendError::InDoubt(_))));
        assert!(times <= most, "{number} is there {times} times: {fate:?}");
        late += times;
    }
    eprintln!("{late} of those in doubt are in the log");
}

/// This process's memory.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
