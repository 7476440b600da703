//! Loads on a whole Weir in this process, and on broken ones: the proof holds where it must, and
//! names what is wrong where something is.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

mod site;

use std::time::Duration;

use ballot::{Ballot, BatchBuilder, Record as LogRecord, VoterId};
use journal::{Clock as _, Journal as _, SystemClock};
use loadtest::plan::{Plan, Shares};
use loadtest::proof::{Evidence, from_log, from_tally, holds, quiet, reached};
use loadtest::record::{Outcome, Proof, Record};
use loadtest::run::Driven;
use loadtest::schedule::Phase;
use tokio::time::Instant;

use site::{Defect, Site};

const PATIENCE: Duration = Duration::from_secs(20);

fn plan() -> Plan {
    let shares = Shares {
        retries: 0.05,
        repeats: 0.05,
        other_choices: 0.05,
        invalid: 0.02,
        forged: 0.02,
        new_connections: 0.05,
    };
    let retry = loadtest::plan::Retry { attempts: 6, first_ms: 20, max_ms: 100 };
    let phases = vec![Phase::constant(0.5, 400.0), Phase::ramp(1.0, 400.0, 2_000.0)];
    Plan { shares, retry, ..Plan::new("test", phases) }
}

async fn driven(site: &Site) -> Driven {
    let prepared = site.order(plan(), 7).prepare().await.unwrap();
    prepared.drive(std::future::pending(), |_, _| {}).await.unwrap()
}

/// Both proofs, from the log and from the tally alone.
async fn proofs(site: &Site, driven: &Driven) -> [Proof; 2] {
    let (edge, until) = (site.edge(), (driven.ended, PATIENCE));
    let Driven { shared, samples, before, .. } = driven;
    let (after, caught_up) = quiet(&edge, 0, until).await.unwrap();
    let evidence = Evidence { shared, samples, before, after: &after, caught_up };
    let from_tally = from_tally(evidence).await;
    let (after, caught_up) = reached(&edge, &site.journal, until).await.unwrap();
    let evidence = Evidence { shared, samples, before, after: &after, caught_up };
    [from_log(&site.journal, evidence).await.unwrap(), from_tally]
}

fn count(record: &Record, outcome: Outcome) -> u64 {
    record.seconds.iter().map(|second| second.outcomes[outcome as usize]).sum()
}

#[tokio::test]
async fn a_sound_server_is_proved_to_be_so_and_a_second_load_too() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(dir.path(), Defect::None).await;
    let first = driven(&site).await;
    let wanted: u64 = first.record.seconds.iter().map(|second| second.wanted).sum();
    let overdue: u64 = first.record.seconds.iter().map(|second| second.overdue).sum();
    let sent: u64 = first.record.seconds.iter().map(|second| second.sent).sum();
    assert!((1_200..1_600).contains(&wanted), "{wanted}");
    assert!(sent + overdue >= wanted, "{sent} and {overdue} of {wanted}");
    assert_eq!(count(&first.record, Outcome::Unexpected), 0, "{:?}", first.surprises);
    assert!(count(&first.record, Outcome::Rejected) > 20);
    assert!(count(&first.record, Outcome::AlreadyVoted) > 0);
    let acknowledged = first.shared.acknowledged();
    assert_eq!(first.record.latency_us.len(), count(&first.record, Outcome::Acknowledged));
    for proof in proofs(&site, &first).await {
        assert!(holds(&proof), "{proof:?}");
        assert_eq!(proof.acknowledged, acknowledged);
    }
    // Other voters on the same journal: what was before is taken into account.
    let order = site.order(plan(), 8).prepare().await.unwrap();
    let second = order.drive(std::future::pending(), |_, _| {}).await.unwrap();
    for proof in proofs(&site, &second).await {
        assert!(holds(&proof), "{proof:?}");
    }
    site.stop().await;
}

#[tokio::test]
async fn a_server_that_drops_acknowledged_ballots_is_caught() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(dir.path(), Defect::Drops(300)).await;
    let driven = driven(&site).await;
    let harmed = site.harmed.dropped();
    assert!((1..=8).contains(&harmed.len()), "{harmed:?}");
    for proof in proofs(&site, &driven).await {
        assert_eq!(proof.lost, harmed.len() as u64, "{proof:?}");
        assert_eq!((proof.double, proof.unsent), (0, 0), "{proof:?}");
        assert!(proof.examples[0].contains("lost"), "{proof:?}");
        assert!(!holds(&proof));
    }
    site.stop().await;
}

#[tokio::test]
async fn a_server_that_counts_ballots_twice_is_caught() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(dir.path(), Defect::CountsTwice(500)).await;
    let driven = driven(&site).await;
    let harmed = site.harmed.doubled();
    assert!((1..=8).contains(&harmed.len()), "{harmed:?}");
    for proof in proofs(&site, &driven).await {
        assert_eq!(proof.double, harmed.len() as u64, "{proof:?}");
        assert_eq!((proof.lost, proof.unsent), (0, 0), "{proof:?}");
        assert!(proof.examples[0].contains("double"), "{proof:?}");
    }
    site.stop().await;
}

#[tokio::test]
async fn ballots_in_doubt_are_sent_again_and_never_taken_for_lost_or_double() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(dir.path(), Defect::Doubts(3)).await;
    let driven = driven(&site).await;
    assert!(count(&driven.record, Outcome::InDoubt) > 300);
    for proof in proofs(&site, &driven).await {
        assert!(holds(&proof), "{proof:?}");
        assert!(proof.acknowledged > 900, "{proof:?}");
        assert!(proof.in_doubt_counted <= proof.in_doubt, "{proof:?}");
    }
    site.stop().await;
}

#[tokio::test]
async fn ballots_that_nobody_sent_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(dir.path(), Defect::None).await;
    let driven = driven(&site).await;
    // A stranger, and a voter of this load whose true choices were others.
    let population = &driven.shared.population;
    let known = population.voter(population.voters() - 1);
    let stranger = VoterId { high: 1, low: 2 };
    for voter in [known, stranger] {
        let cast_at_ms = SystemClock.now_ms();
        let mut batch = BatchBuilder::new(1);
        batch.push(&Ballot { voter, choices: [8].into_iter().collect(), cast_at_ms });
        let value = LogRecord::Batch(batch.finish()).encode();
        site.journal.append(voter.partition(4), cast_at_ms, value).await.unwrap();
    }
    let [from_log, from_tally] = proofs(&site, &driven).await;
    assert_eq!((from_log.unsent, from_log.lost, from_log.double), (2, 0, 0), "{from_log:?}");
    assert!(from_log.examples[0].contains("is not of this load"), "{from_log:?}");
    // The tally alone can only say that there are more ballots than voters.
    assert_eq!(from_tally.double, 2, "{from_tally:?}");
    site.stop().await;
}

#[tokio::test]
async fn a_load_that_is_stopped_ends_early_and_is_proved_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(dir.path(), Defect::None).await;
    let long = Plan::new("long", vec![Phase::constant(600.0, 300.0)]);
    let prepared = site.order(long, 9).prepare().await.unwrap();
    let began = Instant::now();
    let stop = tokio::time::sleep(Duration::from_millis(700));
    let driven = prepared.drive(stop, |_, _| {}).await.unwrap();
    assert!(began.elapsed() < PATIENCE);
    let [proof, _] = proofs(&site, &driven).await;
    assert!(holds(&proof) && proof.acknowledged > 50, "{proof:?}");
    site.stop().await;
}
