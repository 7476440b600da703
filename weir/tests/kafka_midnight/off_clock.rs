//! A process whose clock is five seconds off: it says so, takes no ballot and closes no day, until
//! its clock is put right; then it does both without a restart.

use journal::{Clock as _, Journal as _, KafkaCluster, KafkaOptions, SystemClock};

use crate::kit::{CLOCK_OFFSET_MS_MAX, founded, make_topics, two_days, until, voter};
use crate::process::Process;
use crate::voters::Answer;

const CAMPAIGN: &str = "five-seconds";
const PARTITIONS: u32 = 2;
const AHEAD_MS: i64 = 5_000;
/// How many looks for due closes are watched, in each partition.
const TICKS: u64 = 20;

pub(crate) async fn a_process_five_seconds_off_takes_nothing_and_closes_nothing(bootstrap: &str) {
    let cluster = KafkaCluster::connect(KafkaOptions::new(bootstrap)).unwrap();
    make_topics(&cluster, CAMPAIGN, PARTITIONS).await;
    // The first day is long over by any clock, the second has an hour to go.
    let now_ms = SystemClock.now_ms();
    let days = two_days(now_ms - 120_000, now_ms - 60_000, now_ms + 3_600_000);
    let (journal, rules) = founded(&cluster, CAMPAIGN, days).await;

    let mut process = Process::start(bootstrap, CAMPAIGN, AHEAD_MS).await;
    let listening = process.listen(&rules).await;
    let statuses = process.count();
    until("a heartbeat", || process.check.offset_ms().is_some()).await;
    let offset_ms = process.check.offset_ms().unwrap();
    assert!((offset_ms - AHEAD_MS).abs() < CLOCK_OFFSET_MS_MAX, "{offset_ms}");
    assert!(!process.check.is_sound());
    let complaints = listening.edge.complaints();
    let named = complaints.iter().any(|complaint| {
        complaint.starts_with(CAMPAIGN) && complaint.contains(" ms ahead of the journal's")
    });
    assert!(named, "{complaints:?}");

    let cast = listening.cast(voter(0, 1), 1, None).await;
    assert_eq!(cast.answer, Answer::Refused(503, "journal_unavailable".to_owned()));
    process.result("the rules counted", |document| document.partitions.len() == 2).await;
    assert_eq!(statuses.all().len(), 2);
    // Each look for due closes reads this clock once in each partition.
    let looked = process.counting_clock.reads() + TICKS * u64::from(PARTITIONS);
    until("looks for due closes", || process.counting_clock.reads() >= looked).await;
    for partition in 0..PARTITIONS {
        assert_eq!(journal.bounds(partition).await.unwrap(), 0..1, "more than the rules");
    }

    process.clock.correct();
    until("a sound clock", || listening.edge.complaints().is_empty()).await;
    let cast = listening.cast(voter(0, 1), 1, None).await;
    assert!(matches!(cast.answer, Answer::Accepted(_, day) if day == days[1].day), "{cast:?}");
    let result = process.result("the close and the ballot", |document| {
        document.days[0].closed && document.outcomes.counted == 1
    });
    let outcomes = result.await.document.outcomes;
    assert_eq!((outcomes.counted, outcomes.duplicate), (1, 0), "the refused one came in as well");
}
