//! What refuses a journal or stops a partition, and that it says so: on the simulated journal, in
//! paused time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "refusals/health.rs"]
mod health;
#[path = "refusals/kit.rs"]
mod kit;
#[expect(dead_code, reason = "the schedules use more of it")]
#[path = "simulation/process.rs"]
mod process;

use aggregator::{FoundingError, check, extend, found, view};
use ballot::{Close, Day, JournalId, Record, Rules, Snapshot, VotingDay};
use bytes::Bytes;
use journal::Journal;
use journal::simulated::{Cluster, Options};
use kit::{HOUR_MS, batch, batch_at, founded, rules, stopped, until};
use process::Process;

#[tokio::test(start_paused = true)]
async fn records_that_retention_removed_are_refused_not_recounted_around() {
    let (cluster, rules) = founded(1).await;
    let first = Process::start(&cluster, "first", &rules, true, None);
    for low in 0..20 {
        cluster.append_raw(0, cluster.now_ms(), batch(&cluster, low)).unwrap();
    }
    let ballots = |process: &Process| {
        process.view.served.borrow().as_ref().map_or(0, |served| served.document.ballots)
    };
    until("all are counted", || ballots(&first) == 20).await;
    cluster.crash("first");
    drop(first);
    cluster.delete_before(0, 10);

    let second = Process::start(&cluster, "second", &rules, true, None);
    until("it refuses", || stopped(&second, 0).is_some()).await;
    assert!(stopped(&second, 0).unwrap().contains("records are gone"));
}

#[tokio::test(start_paused = true)]
async fn removed_records_are_refused_though_later_ones_are_older() {
    let cluster = Cluster::new(1, 1, Options::default());
    let mut rules = rules(&cluster);
    let first = rules.days[0];
    let second = VotingDay::new(2023, 12, 19).unwrap();
    let span = Day { day: second, start_ms: first.end_ms, end_ms: first.end_ms + HOUR_MS };
    rules.days.push(span);
    found(&cluster.process("founder"), &rules, cluster.now_ms()).await.unwrap();
    // A ballot of the second day, then one of the first, then the close of the first.
    let tomorrow_ms = first.end_ms + 1;
    cluster.append_raw(0, tomorrow_ms, batch_at(tomorrow_ms, 1)).unwrap();
    cluster.append_raw(0, cluster.now_ms(), batch(&cluster, 2)).unwrap();
    let clock_ms = first.end_ms + 60_000;
    let close = Close { day: first.day, instant_ms: first.end_ms, clock_ms };
    cluster.append_raw(0, clock_ms, Record::Close(close).encode()).unwrap();
    let process = Process::start(&cluster, "first", &rules, true, None);
    let read = || process.view.served.borrow().as_ref().map(|s| s.document.partitions[0].frontier);
    until("all is folded", || read() == Some(4)).await;
    cluster.crash("first");
    cluster.delete_before(0, 2);

    let process = Process::start(&cluster, "second", &rules, true, None);
    until("it refuses", || stopped(&process, 0).is_some()).await;
    assert!(stopped(&process, 0).unwrap().contains("records are gone"));
}

#[tokio::test(start_paused = true)]
async fn kept_tallies_of_another_journal_are_refused() {
    let (cluster, rules) = founded(1).await;
    let other = Rules { journal: JournalId([9; 16]), ..rules.clone() };
    let mut fold = ballot::Fold::new(other.journal, 0);
    let founding = Record::Rules(other).encode();
    fold.apply(0, &founding, &mut ballot::VoterMap::new(1)).unwrap();
    cluster.publish_raw(0, fold.snapshot().encode());
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    until("it refuses", || stopped(&process, 0).is_some()).await;
    assert!(stopped(&process, 0).unwrap().contains("made anew under kept tallies"));
    assert!(process.view.served.borrow().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_beyond_the_end_of_the_log_is_refused() {
    let (cluster, rules) = founded(1).await;
    let mut fold = ballot::Fold::new(rules.journal, 0);
    let mut voters = ballot::VoterMap::new(10);
    fold.apply(0, &Record::Rules(rules.clone()).encode(), &mut voters).unwrap();
    fold.apply(1, &batch(&cluster, 1), &mut voters).unwrap();
    cluster.publish_raw(0, fold.snapshot().encode());
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    until("it refuses", || stopped(&process, 0).is_some()).await;
    let why = stopped(&process, 0).unwrap();
    assert!(why.contains("has the frontier 2, the log ends at 1"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn other_rules_and_another_key_are_refused_by_name_and_an_extension_is_written() {
    let (cluster, rules) = founded(2).await;
    let journal = cluster.process("checker");
    let (view, follow) = view(journal.clone());
    let follow = tokio::spawn(follow);
    check(&journal, &view, &rules).await.unwrap();

    let refused = |ours: Rules| {
        let (journal, view) = (journal.clone(), view.clone());
        async move {
            match check(&journal, &view, &ours).await {
                Err(FoundingError::Differs { difference, .. }) => difference.field,
                other => panic!("{other:?}"),
            }
        }
    };
    let key = Rules { pseudonym_key: [8; 16], ..rules.clone() };
    assert_eq!(refused(key).await, "pseudonym key");
    let limits = Rules { choices_per_ballot_max: 5, ..rules.clone() };
    assert_eq!(refused(limits).await, "choices_per_ballot_max");
    assert_eq!(refused(Rules { partitions: 3, ..rules.clone() }).await, "partitions");

    let mut extended = rules.clone();
    extended.days[0].end_ms += HOUR_MS;
    assert_eq!(refused(extended.clone()).await, "opens_at, closes_at or zone");
    let now_ms = cluster.now_ms();
    assert_eq!(extend(&journal, &view, &extended, now_ms).await, Ok(vec![(0, 1), (1, 1)]));
    assert_eq!(extend(&journal, &view, &extended, now_ms).await, Ok(vec![]), "again is safe");
    check(&journal, &view, &extended).await.unwrap();
    let old = check(&journal, &view, &rules).await.unwrap_err().to_string();
    assert!(old.contains("if the campaign was extended, give its new file"), "{old}");
    let shorter = extend(&journal, &view, &Rules { days: vec![], ..rules }, now_ms).await;
    assert!(matches!(shorter, Err(FoundingError::Differs { .. })));
    assert_eq!(cluster.log(0).len(), 2);

    // A minute before it may be closed it is too late, as appends may take that long.
    let mut longer = extended.clone();
    longer.days[0].end_ms += HOUR_MS;
    let closable_ms = extended.closable_at_ms(&extended.days[0]);
    let late = extend(&journal, &view, &longer, closable_ms - 60_000).await;
    assert_eq!(late, Err(FoundingError::Closing(0)));
    assert_eq!(cluster.log(0).len(), 2);

    // Once a close of the campaign is in the log it is too late, whatever our clock says.
    let last = extended.days[0];
    let clock_ms = last.end_ms + 60_000;
    let close = Close { day: last.day, instant_ms: last.end_ms, clock_ms };
    cluster.append_raw(1, clock_ms, Record::Close(close).encode()).unwrap();
    extended.days[0].end_ms += HOUR_MS;
    assert_eq!(extend(&journal, &view, &extended, now_ms).await, Err(FoundingError::Final(1)));
    assert_eq!(cluster.log(0).len(), 2, "no partition is extended if one cannot be");

    // A close that was faster all the same: the others go on with the new rules, and nobody is
    // locked out.
    let fields = refused(extended.clone()).await;
    assert_eq!(fields, "opens_at, closes_at or zone", "nobody has these rules");
    cluster.append_raw(0, now_ms, Record::Rules(extended.clone()).encode()).unwrap();
    check(&journal, &view, &extended).await.unwrap();
    follow.abort();
}

#[tokio::test(start_paused = true)]
async fn a_founding_that_was_cut_short_is_not_finished_with_other_rules() {
    let cluster = Cluster::new(1, 3, Options::default());
    let (journal, rules) = (cluster.process("founder"), kit::rules(&cluster));
    cluster.append_raw(0, cluster.now_ms(), Record::Rules(rules.clone()).encode()).unwrap();
    let other = Rules { pseudonym_key: [8; 16], ..rules.clone() };
    let refused = found(&journal, &other, cluster.now_ms()).await;
    assert!(matches!(refused, Err(FoundingError::Differs { partition: 0, .. })), "{refused:?}");
    assert_eq!((cluster.log(1).len(), cluster.log(2).len()), (0, 0), "nothing is written");
    found(&journal, &rules, cluster.now_ms()).await.unwrap();
    assert_eq!((cluster.log(1).len(), cluster.log(2).len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_does_not_decode_refuses_the_results() {
    let (cluster, rules) = founded(1).await;
    assert!(Snapshot::decode(&Bytes::from_static(b"nonsense")).is_err());
    cluster.publish_raw(0, Bytes::from_static(b"nonsense"));
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    until("it refuses", || stopped(&process, 0).is_some()).await;
    assert!(stopped(&process, 0).unwrap().contains("not a snapshot"));
    assert_eq!(journal_end(&cluster).await, 1, "nothing was published over it");
}

async fn journal_end(cluster: &Cluster) -> u64 {
    let entries = cluster.snapshot_log().len();
    drop(cluster.process("looker").snapshots_end().await);
    entries as u64
}
