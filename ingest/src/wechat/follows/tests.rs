//! Follow state over a file: linked, gone, purged, reopened, damaged, asked by many at once.

use std::fs;

use futures_util::future::join_all;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn id(low: u64) -> VoterId {
    VoterId { high: 7, low }
}

fn open(folder: &TempDir, now_ms: i64) -> Follows {
    Follows::open(&folder.path().join("follows.redb"), DAY, now_ms).unwrap()
}

/// With a table, but over memory.
fn in_memory() -> Follows {
    let cache = Follows::in_memory().cache;
    let table = Some(Arc::new(Table::in_memory(Arc::clone(&cache))));
    Follows { cache, table }
}

async fn follows(state: &Follows, voter: VoterId) -> bool {
    state.known(voter, 1_000).await.unwrap().is_some_and(|known| known.follows)
}

impl Follows {
    /// Checks that the tables say the same, and answers how many followers there are.
    fn rows(&self) -> usize {
        let [subscribers, followers] = self.table.as_ref().unwrap().all();
        let mut turned: Vec<_> = subscribers
            .iter()
            .map(|(subscriber, (voter, since_s, at_ms))| (*voter, (*subscriber, *since_s, *at_ms)))
            .collect();
        turned.sort_unstable();
        assert_eq!(turned, followers);
        followers.len()
    }

    fn empty_cache(&self) {
        *self.cache() = Cache::new(Some(86_400_000));
    }
}

#[tokio::test]
async fn without_a_table_everything_is_in_memory() {
    let state = Follows::in_memory();
    assert_eq!(state.known(id(1), 0).await, Ok(None));
    state.learn(id(1), false, None, 1_000);
    assert!(!state.known(id(1), 1_500).await.unwrap().unwrap().follows);
    state.learn(id(1), true, Some(5), 2_000);
    let known = Known { follows: true, since_s: Some(5), known_at_ms: 2_000 };
    assert_eq!(state.known(id(1), 9_000_000).await, Ok(Some(known)));
    state.forget(id(1)).await.unwrap();
    assert_eq!(state.known(id(1), 2_000).await, Ok(None));
    assert_eq!(state.unsubscribed(id(9)).await, Ok(None));
    assert_eq!(state.purge(1).await, Ok(0));
}

#[tokio::test]
async fn a_link_survives_a_restart_and_ends_with_the_subscription() {
    let folder = TempDir::new().unwrap();
    let state = open(&folder, 0);
    state.link(id(100), id(1), Some(5), 10).await.unwrap();
    state.link(id(200), id(2), None, 20).await.unwrap();
    drop(state);
    let state = open(&folder, 1_000);
    let known = Known { follows: true, since_s: Some(5), known_at_ms: 10 };
    assert_eq!(state.known(id(1), 1_000).await, Ok(Some(known)));
    assert_eq!(state.known(id(2), 1_000).await.unwrap().unwrap().since_s, None);
    assert_eq!(state.known(id(3), 1_000).await, Ok(None));
    assert_eq!(state.unsubscribed(id(100)).await, Ok(Some(id(1))));
    assert_eq!(state.unsubscribed(id(100)).await, Ok(None));
    assert!(!follows(&state, id(1)).await);
    state.forget(id(2)).await.unwrap();
    assert!(!follows(&state, id(2)).await);
    assert_eq!(state.rows(), 0);
}

#[tokio::test]
async fn what_is_past_the_retention_is_not_served_and_is_purged() {
    let folder = TempDir::new().unwrap();
    let state = open(&folder, 0);
    state.link(id(100), id(1), None, 0).await.unwrap();
    state.link(id(200), id(2), None, 1).await.unwrap();
    state.empty_cache();
    assert_eq!(state.known(id(1), 86_400_000).await, Ok(None));
    assert!(state.known(id(2), 86_400_000).await.unwrap().is_some());
    assert_eq!(state.purge(86_400_001).await, Ok(1));
    assert_eq!(state.rows(), 1);
    drop(state);
    assert_eq!(open(&folder, 86_400_002).rows(), 0);
}

#[tokio::test]
async fn a_file_that_failed_is_opened_anew_and_one_in_use_or_damaged_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("follows.redb");
    let state = open(&folder, 0);
    for number in 0..200 {
        state.link(id(1_000 + number), id(number), None, 1).await.unwrap();
    }
    state.table.as_ref().unwrap().fail();
    state.link(id(9_000), id(9_001), None, 1).await.unwrap();
    assert_eq!(state.rows(), 201);
    let again = Follows::open(&path, DAY, 0);
    assert!(matches!(&again, Err(Error::Open(sentence)) if sentence.contains("already open")));
    drop((state, again));
    let whole = fs::read(&path).unwrap();
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        let error = Follows::open(&path, DAY, 0).err();
        assert!(matches!(error, Some(Error::Open(_))), "{what}: {error:?}");
    };
    for length in [0, 1, 100, 512, 4_095, 4_096, 8_192, 20_000] {
        refused(&whole[..length], &format!("the first {length} bytes"));
    }
    refused(&[b'x'; 50_000], "something else");
    // The pages with rows are those that hold the pseudonyms' first half.
    let row = whole.windows(16).rposition(|at| at == id(1).to_bytes()).unwrap_or_else(|| {
        let mut little = id(1).to_bytes();
        little.reverse();
        whole.windows(16).rposition(|at| at == little).unwrap()
    });
    let mut flipped = whole.clone();
    flipped[row] ^= 1;
    fs::write(&path, &flipped).unwrap();
    let opened = Follows::open(&path, DAY, 0);
    assert!(opened.is_err() || opened.unwrap().rows() == 201, "a stale page, or refused");
    fs::write(&path, &whole).unwrap();
    assert_eq!(open(&folder, 0).rows(), 201);
}

#[tokio::test]
async fn many_events_at_once_are_written_together_and_each_hears_of_its_own() {
    let folder = TempDir::new().unwrap();
    let state = open(&folder, 0);
    let link = |number| state.link(id(1_000 + number), id(number), None, 1);
    assert!(join_all((0..500).map(link)).await.iter().all(Result::is_ok));
    assert_eq!(state.rows(), 500);
    let gone = join_all((0..600).map(|number| state.unsubscribed(id(1_000 + number)))).await;
    for (number, gone) in (0..).zip(gone) {
        assert_eq!(gone, Ok((number < 500).then(|| id(number))));
    }
    assert_eq!(state.rows(), 0);
}

#[tokio::test]
async fn a_caller_who_goes_leaves_its_change_to_the_next_one() {
    let folder = TempDir::new().unwrap();
    let state = open(&folder, 0);
    {
        // The disk is busy.
        let turn = Arc::clone(&state.table.as_ref().unwrap().turn).lock_owned().await;
        let mut gone = Box::pin(state.link(id(100), id(1), None, 1));
        assert!(futures_util::poll!(&mut gone).is_pending());
        drop((gone, turn));
    }
    assert_eq!(state.unsubscribed(id(100)).await, Ok(Some(id(1))));
    assert_eq!(state.rows(), 0);
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Link(u64, u64),
    Unsubscribed(u64),
    Forget(u64),
    Evict,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..4_u64, 0..4_u64).prop_map(|(subscriber, voter)| Event::Link(subscriber, voter)),
        2 => (0..4_u64).prop_map(Event::Unsubscribed),
        1 => (0..4_u64).prop_map(Event::Forget),
        1 => Just(Event::Evict),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_events_leave_who_follows_as_a_list_of_pairs_says(
        events in proptest::collection::vec(event(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let state = in_memory();
            let mut pairs: Vec<(u64, u64)> = Vec::new();
            for event in events {
                match event {
                    Event::Link(subscriber, voter) => {
                        pairs.retain(|pair| pair.0 != subscriber && pair.1 != voter);
                        pairs.push((subscriber, voter));
                        state.link(id(100 + subscriber), id(voter), None, 1).await.unwrap();
                    }
                    Event::Unsubscribed(subscriber) => {
                        let voter = pairs.iter().find(|pair| pair.0 == subscriber);
                        let expected = voter.map(|pair| id(pair.1));
                        pairs.retain(|pair| pair.0 != subscriber);
                        let gone = state.unsubscribed(id(100 + subscriber)).await;
                        assert_eq!(gone, Ok(expected));
                    }
                    Event::Forget(voter) => {
                        pairs.retain(|pair| pair.1 != voter);
                        state.forget(id(voter)).await.unwrap();
                    }
                    Event::Evict => state.empty_cache(),
                }
                for voter in 0..4 {
                    let expected = pairs.iter().any(|pair| pair.1 == voter);
                    assert_eq!(follows(&state, id(voter)).await, expected, "{voter}");
                }
                assert_eq!(state.rows(), pairs.len());
            }
        });
    }
}
