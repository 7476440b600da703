//! Faults in one of 100,000 ballots: the proof from the log names every voter they struck, and the
//! proof from the tally has their number, or at least that something is wrong.
//!
//! Invariant: whom a fault strikes follows from a seed, so the test knows it beforehand; the
//! server's own word is a second witness. Never here: a second load, each takes a quarter of a
//! minute.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

mod site;

use std::collections::BTreeSet;
use std::time::Duration;

use ballot::VoterId;
use loadtest::load::{Means, Shared};
use loadtest::plan::{Plan, Shares};
use loadtest::proof::{Evidence, from_log, from_tally, holds, reached};
use loadtest::record::{Made, Proof};
use loadtest::run::{Driven, Order};
use loadtest::schedule::{Arrivals, Phase};
use loadtest::target::Tally;

use site::{Defect, Site, lot};

const BALLOTS: u32 = 200_000;
/// What a debug build takes on two cores that have other things to do as well. Where it takes
/// less, some are not sent, and the test is about the others.
const RATE_PER_S: f64 = 12_500.0;
/// A ballot waits for the disk: at 20 ms a flush, 250 connections would do.
const CONNECTIONS: usize = 512;
const ONE_IN: u64 = 100_000;
/// A seed with which each of the faults strikes [`STRUCK`] of the voters.
const SEED: u64 = 36;
const STRUCK: usize = 4;
const PATIENCE: Duration = Duration::from_secs(30);

/// The voters of the load that have drawn a lot.
fn struck(shared: &Shared, drawn: u64) -> BTreeSet<VoterId> {
    let all = (0..BALLOTS.into()).map(|number| shared.population.voter(number));
    all.filter(|voter| lot(*voter, ONE_IN) == drawn).collect()
}

/// The voters whom sentences of this kind name.
fn named(proof: &Proof, kind: &str, among: &BTreeSet<VoterId>) -> BTreeSet<VoterId> {
    let of_kind = proof.examples.iter().filter(|told| told.contains(kind));
    let told: Vec<&String> = of_kind.filter(|told| told.contains("VoterId")).collect();
    assert_eq!(told.len(), among.len(), "{proof:?}");
    let is_named = |voter: &&VoterId| told.iter().any(|told| told.contains(&format!("{voter:?}")));
    among.iter().filter(is_named).copied().collect()
}

/// The tally with the ballots of some voters more, or less.
fn changed(tally: &Tally, shared: &Shared, voters: &BTreeSet<VoterId>, more: bool) -> Tally {
    let mut tally = tally.clone();
    let change = |count: &mut u64| *count = if more { *count + 1 } else { *count - 1 };
    for voter in voters {
        let number = shared.population.number(*voter).unwrap();
        let day = tally.days.iter_mut().max_by_key(|day| day.ballots).unwrap();
        change(&mut day.ballots);
        for choice in shared.population.choices(number, 0).iter() {
            change(&mut day.votes[choice as usize - 1]);
        }
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_voters_who_are_struck_are_named_by_the_log_and_missed_by_the_tally() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(dir.path(), Defect::DropsAndCountsRetries(ONE_IN)).await;
    let phases = vec![Phase::constant(f64::from(BALLOTS) / RATE_PER_S, RATE_PER_S)];
    let usual = Plan::new("one in 100,000", phases);
    let plan = Plan { arrivals: Arrivals::Even, shares: Shares::default(), ..usual };
    let order = site.order(plan, SEED);
    let means = Means { threads: 1, connections: CONNECTIONS, ..order.means };
    let prepared = Order { means, ..order }.prepare().await.unwrap();
    let driven = prepared.drive(std::future::pending(), |_, _| {}).await.unwrap();
    let Driven { shared, samples, before, record, .. } = &driven;
    let until = (driven.ended, PATIENCE);
    let (after, caught_up) = reached(&site.edge(), &site.journal, until).await.unwrap();
    let (dropped, doubled) = (site.harmed.dropped(), site.harmed.doubled());

    // What was to be struck, and what was: the same, if the machine could send everything.
    let overdue: u64 = record.seconds.iter().map(|second| second.overdue).sum();
    for (harmed, drawn) in [(&dropped, 0), (&doubled, 1)] {
        let struck = struck(shared, drawn);
        assert_eq!(struck.len(), STRUCK, "this seed");
        assert!(harmed.is_subset(&struck) && (overdue > 0 || *harmed == struck), "{harmed:?}");
        assert!(!harmed.is_empty(), "{overdue} of {BALLOTS} were not sent");
    }
    let (lost, double) = (dropped.len() as u64, doubled.len() as u64);

    // Totals have no names, and a loss and a double cancel out in the number of ballots.
    let evidence = Evidence { shared, samples: &[], before, after: &after, caught_up };
    let proof = from_tally(evidence).await;
    assert!(!holds(&proof) && proof.made == Made::FromTally, "{proof:?}");
    assert!(proof.examples.concat().contains(" votes, not "), "{proof:?}");
    let only_dropped = changed(&after, shared, &doubled, false);
    let proof = from_tally(Evidence { after: &only_dropped, ..evidence }).await;
    assert_eq!((proof.lost, proof.double), (lost, 0), "{proof:?}");
    let only_doubled = changed(&after, shared, &dropped, true);
    let proof = from_tally(Evidence { after: &only_doubled, ..evidence }).await;
    assert_eq!((proof.lost, proof.double), (0, double), "{proof:?}");
    assert!(!proof.examples.concat().contains("VoterId"), "{proof:?}");

    let proof = from_log(&site.journal, Evidence { samples, ..evidence }).await.unwrap();
    assert_eq!((proof.lost, proof.double, proof.unsent), (lost, double, 0), "{proof:?}");
    assert_eq!(named(&proof, "lost", &dropped), dropped);
    assert_eq!(named(&proof, "double", &doubled), doubled);
    assert!(proof.examples.concat().contains("these are they"), "{proof:?}");
    site.stop().await;
}
