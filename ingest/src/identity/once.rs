//! Voters who have just come back from WeChat, each of whose codes is exchanged once: some phones
//! open a callback twice, and a code holds for one exchange only.
//!
//! Invariant: for five minutes the same code with the same state has the same verdict, be it asked
//! one after the other or at once, and whoever began waits no longer than the deadline. Never here:
//! a verdict for a code that came with another state, or a wait for a free place.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ballot::Token;
use lru::LruCache;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::metrics::SignInOutcome;

/// As long as WeChat's codes live.
const REMEMBERED_MS: i64 = 5 * 60_000;
/// The most callbacks remembered: five minutes of 54 a second, at some 200 bytes each.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(16_384).expect("it is not zero");
/// The most that wait for WeChat at once: with 200 ms each, three times the 833 exchanges a second
/// that WeChat allows.
const AT_ONCE_MAX: usize = 512;
/// What an exchange and a look at whether they follow may take together.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often the same trouble is told at most.
const ALARM_MS: i64 = 60_000;
/// Stands for "never yet".
const NEVER: i64 = i64::MIN;

/// What names a callback.
pub(super) type Key = blake3::Hash;

/// What came of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// This voter, who is told so.
    Signed(Token, SignInOutcome),
    /// Nobody.
    Told(SignInOutcome),
    /// Nobody yet: the voter is sent to WeChat again.
    Again,
}

/// The callbacks of one campaign.
pub(crate) struct Callbacks {
    known: Mutex<LruCache<Key, Known>>,
    permits: Arc<Semaphore>,
    alarm: Arc<Alarm>,
}

struct Known {
    until_ms: i64,
    verdict: watch::Receiver<Option<Verdict>>,
}

impl Callbacks {
    /// The verdict on a callback, found by `find` unless it is known or being found. None if too
    /// many are.
    pub(super) async fn once<F>(
        &self,
        key: Key,
        now_ms: i64,
        find: impl FnOnce() -> F,
    ) -> Option<Verdict>
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        let mut verdict = self.begin(key, now_ms, find)?;
        // Without a verdict its task has panicked.
        let found = verdict.wait_for(Option::is_some).await.ok().and_then(|found| *found);
        Some(found.unwrap_or(Verdict::Told(SignInOutcome::Failed)))
    }

    fn begin<F>(
        &self,
        key: Key,
        now_ms: i64,
        find: impl FnOnce() -> F,
    ) -> Option<watch::Receiver<Option<Verdict>>>
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&key).filter(|known| now_ms < known.until_ms) {
            return Some(known.verdict.clone());
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let (tell, verdict) = watch::channel(None);
        let find = timeout(DEADLINE, find());
        // Nobody joins it: a phone that goes away and opens the callback again must find the one
        // exchange that its code is good for. It ends with its deadline at the latest.
        drop(tokio::spawn(async move {
            let found = find.await.unwrap_or(Verdict::Told(SignInOutcome::Busy));
            tell.send_replace(Some(found));
            drop(permit);
        }));
        let until_ms = now_ms.saturating_add(REMEMBERED_MS);
        known.put(key, Known { until_ms, verdict: verdict.clone() });
        Some(verdict)
    }

    /// Tells operators of trouble.
    pub(super) fn alarm(&self) -> Arc<Alarm> {
        Arc::clone(&self.alarm)
    }
}

impl Default for Callbacks {
    fn default() -> Self {
        Self {
            // It takes memory only as it is used.
            known: Mutex::new(LruCache::sparse(REMEMBERED_MAX)),
            permits: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            alarm: Arc::default(),
        }
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks").finish_non_exhaustive()
    }
}

/// Has operators hear of trouble with signing in, not of every voter who meets it.
#[derive(Debug)]
pub(super) struct Alarm(AtomicI64);

impl Alarm {
    /// Tells it, unless there was something to tell within the last minute.
    pub(super) fn raise(&self, now_ms: i64, campaign: &str, why: &dyn fmt::Display) {
        if self.is_due(now_ms) {
            tracing::error!(campaign, "voters cannot sign in: {why}");
        }
    }

    fn is_due(&self, now_ms: i64) -> bool {
        // Relaxed: it stands alone. Of two who try at once one tells.
        let due = |last_ms: i64| {
            let is_over = last_ms == NEVER || !(0..ALARM_MS).contains(&(now_ms - last_ms));
            is_over.then_some(now_ms)
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due).is_ok()
    }
}

impl Default for Alarm {
    fn default() -> Self {
        Self(AtomicI64::new(NEVER))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use ballot::VoterId;
    use tokio::sync::Notify;

    use super::*;

    const KEY: &[u8] = b"code and state";

    fn signed() -> Verdict {
        let voter = VoterId { high: 1, low: 2 };
        let token = Token { voter, follower: true, fresh: false, expires_at_s: 3 };
        Verdict::Signed(token, SignInOutcome::Ok)
    }

    #[tokio::test(start_paused = true)]
    async fn a_callback_is_worked_on_once_however_often_it_is_opened_and_whoever_goes_away() {
        let callbacks = Arc::new(Callbacks::default());
        let (begun, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let open = |now_ms| {
            let (callbacks, begun, go) = (callbacks.clone(), begun.clone(), go.clone());
            tokio::spawn(async move {
                let find = || async move {
                    begun.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    signed()
                };
                callbacks.once(blake3::hash(KEY), now_ms, find).await
            })
        };
        let gone = open(0);
        tokio::task::yield_now().await;
        gone.abort();
        let others = [open(0), open(1), open(REMEMBERED_MS - 1)];
        tokio::task::yield_now().await;
        go.notify_one();
        for other in others {
            assert_eq!(other.await.unwrap(), Some(signed()));
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        go.notify_one();
        assert_eq!(open(REMEMBERED_MS).await.unwrap(), Some(signed()));
        assert_eq!(begun.load(Ordering::SeqCst), 2, "it is forgotten after five minutes");
    }

    #[tokio::test(start_paused = true)]
    async fn when_very_many_wait_the_next_is_told_at_once_and_none_waits_for_ever() {
        let callbacks = Arc::new(Callbacks::default());
        let key = |number: usize| blake3::hash(&number.to_be_bytes());
        let waiting: Vec<_> = (0..AT_ONCE_MAX)
            .map(|number| callbacks.begin(key(number), 0, std::future::pending).unwrap())
            .collect();
        let ready = || std::future::ready(signed());
        assert_eq!(callbacks.once(key(AT_ONCE_MAX), 0, ready).await, None);
        let again = callbacks.once(key(0), 0, ready).await;
        assert_eq!(again, Some(Verdict::Told(SignInOutcome::Busy)), "that of the first");
        drop(waiting);
        while callbacks.permits.available_permits() < AT_ONCE_MAX {
            tokio::task::yield_now().await;
        }
        assert_eq!(callbacks.once(key(AT_ONCE_MAX), 0, ready).await, Some(signed()));
    }

    #[test]
    fn the_same_trouble_is_told_once_a_minute() {
        let alarm = Alarm::default();
        let told: Vec<_> =
            [0, 1, 59_999, 60_000, 60_001, 50_000].map(|now_ms| alarm.is_due(now_ms)).into();
        assert_eq!(told, [true, false, false, true, false, true]);
    }
}
