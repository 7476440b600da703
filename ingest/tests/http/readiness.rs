//! What makes an edge unready and what does not, in paused time: nothing here goes over a socket.

use std::time::Duration;

use ballot::{Ballot, Fold, JournalId, Record, Risk, Rules, VoterId, VoterMap};
use bytes::Bytes;
use ingest::Cast;
use journal::simulated::Faults;
use tokio::time::{advance, sleep};

use super::kit::{NOON_MS, Running, Setup};

const SECOND: Duration = Duration::from_secs(1);

async fn quiet() -> Running {
    Running::start(Setup { aggregating: false, ..Setup::default() }).await
}

/// What the edge complains of. Its clock is found to be right before.
fn complaints(edge: &Running) -> Vec<String> {
    edge.check.observe(0, 0, 0);
    edge.edge.complaints()
}

/// Casts a ballot, and answers whether it was appended.
async fn cast(edge: &Running, low: u64) -> bool {
    let voter = VoterId { high: 0, low };
    let choices = [1].into_iter().collect();
    let ballot = Ballot { voter, choices, cast_at_ms: NOON_MS };
    let permit = edge.batcher.admit().unwrap();
    matches!(edge.batcher.cast(permit, &ballot, Risk::NONE).await, Cast::Durable(_))
}

#[tokio::test(start_paused = true)]
async fn an_edge_whose_appends_all_fail_for_long_is_not_ready_until_one_succeeds() {
    let edge = quiet().await;
    assert!(cast(&edge, 0).await);
    edge.cluster.set_faults(Faults { refused: 1_000, ..Faults::NONE });
    for low in 1..=10 {
        assert!(!cast(&edge, low).await);
        assert_eq!(complaints(&edge), [""; 0], "it may be a moment's trouble");
        sleep(SECOND).await;
    }
    assert!(!cast(&edge, 11).await);
    let found = complaints(&edge);
    let expected = "c: ballots are not appended: the journal took nothing: as the seed would";
    assert_eq!(found, [expected]);
    // Nobody casts here any more, so nothing could show that ballots are taken again.
    sleep(29 * SECOND).await;
    assert_eq!(complaints(&edge), [expected]);
    sleep(2 * SECOND).await;
    assert_eq!(complaints(&edge), [""; 0]);
    // Whoever comes then shows that they are not.
    assert!(!cast(&edge, 12).await);
    assert_eq!(complaints(&edge), [expected]);
    edge.cluster.set_faults(Faults::NONE);
    assert!(cast(&edge, 13).await);
    assert_eq!(complaints(&edge), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_edge_some_of_whose_appends_fail_stays_ready() {
    let edge = quiet().await;
    for low in 0..60 {
        let refused = if low % 5 == 0 { 0 } else { 1_000 };
        edge.cluster.set_faults(Faults { refused, ..Faults::NONE });
        assert_eq!(cast(&edge, low).await, refused == 0);
        assert_eq!(complaints(&edge), [""; 0]);
        sleep(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_the_counting_cannot_use_leaves_an_edge_ready() {
    let edge = quiet().await;
    edge.cluster.publish_raw(0, Bytes::from_static(b"of a newer version"));
    sleep(SECOND).await;
    assert_eq!(complaints(&edge), [""; 0]);
    edge.cluster.set_faults(Faults { unavailable: 1_000, ..Faults::NONE });
    edge.cluster.publish_raw(0, Bytes::from_static(b"of a newer version"));
    sleep(60 * SECOND).await;
    assert_eq!(complaints(&edge), [""; 0]);
    edge.cluster.set_faults(Faults::NONE);

    let rules = Rules { journal: JournalId([9; 16]), ..Rules::clone(&edge.batcher.rules()) };
    let mut fold = Fold::new(rules.journal, 0);
    fold.apply(0, &Record::Rules(rules).encode(), &mut VoterMap::new(1)).unwrap();
    edge.cluster.publish_raw(0, fold.snapshot().encode());
    sleep(SECOND).await;
    let found = complaints(&edge);
    assert!(found[0].contains("made anew under kept tallies"), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_not_compared_for_long_is_told_as_that() {
    let edge = quiet().await;
    edge.check.observe(0, 0, 5);
    advance(29 * SECOND).await;
    edge.check.observe(0, 5_000, 0);
    assert_eq!(edge.edge.complaints(), [""; 0]);
    advance(4 * SECOND).await;
    let expected = "c: the clock has not been compared with the journal's for 33 s";
    assert_eq!(edge.edge.complaints(), [expected]);
}
