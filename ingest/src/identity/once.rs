//! Voters who have just come back from WeChat: the first code that a sign-in comes back with is
//! exchanged, once, since some phones open a callback twice, and no other ever is.
//!
//! Invariant: as long as a sign-in holds, a second code of it is refused; for five minutes the same
//! code has the same verdict, be it asked one after the other or at once, and whoever began waits
//! no longer than the deadline. Never here: a verdict for a code that came with another sign-in, or
//! a wait for a free place.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ballot::Token;
use blake3::{Hash, hash};
use lru::LruCache;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::login_state::Login;
use crate::metrics::SignInOutcome;

/// As long as WeChat's codes live.
const REMEMBERED_MS: i64 = 5 * 60_000;
/// The most sign-ins remembered, at some 250 bytes each: more than [`Exchanges`] lets come in the
/// ten minutes that one holds, so that none is forgotten before it is over.
///
/// [`Exchanges`]: crate::abuse::Exchanges
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(1 << 19).expect("it is not zero");
/// Those that are over are forgotten so many at a time, when one comes.
const FORGOTTEN_AT_ONCE: usize = 2;
/// The most that wait for WeChat at once: with 200 ms each, three times the 833 exchanges a second
/// that WeChat allows.
const AT_ONCE_MAX: usize = 512;
/// What an exchange and a look at whether they follow may take together.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often the same trouble is told at most.
const ALARM_MS: i64 = 60_000;
/// Stands for "never yet".
const NEVER: i64 = i64::MIN;

/// A sign-in that has come back with a code, neither of which can be told from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Back {
    login: Hash,
    code: Hash,
    until_ms: i64,
}

impl Back {
    /// This sign-in with this code.
    pub(super) fn new(login: &Login, code: &str) -> Self {
        // A sign-in is written in one way only. One that begins again is another.
        let (login_hash, code) = (hash(login.cookie().as_bytes()), hash(code.as_bytes()));
        Self { login: login_hash, code, until_ms: login.until_ms() }
    }
}

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
    /// By the sign-in. It is only peeked into, so that the first to come is the first to go.
    known: Mutex<LruCache<Hash, Known>>,
    permits: Arc<Semaphore>,
    alarm: Arc<Alarm>,
}

struct Known {
    /// The code that it came back with.
    code: Hash,
    /// How long that has its verdict.
    told_until_ms: i64,
    /// How long no other code is taken.
    until_ms: i64,
    verdict: Promised,
}

type Promised = watch::Receiver<Option<Verdict>>;

impl Callbacks {
    /// The verdict on a callback, found by what `find` answers unless it is known or being found.
    ///
    /// # Errors
    /// What the voter is told whose callback is not looked at: [`SignInOutcome::Busy`] if too many
    /// are or `find` answers nothing, [`SignInOutcome::Expired`] if the sign-in has had its code.
    pub(super) async fn once<F>(
        &self,
        back: Back,
        now_ms: i64,
        find: impl FnOnce() -> Option<F>,
    ) -> Result<Verdict, SignInOutcome>
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        let mut verdict = self.begin(back, now_ms, find)?;
        // Without a verdict its task has panicked.
        let found = verdict.wait_for(Option::is_some).await.ok().and_then(|found| *found);
        Ok(found.unwrap_or(Verdict::Told(SignInOutcome::Failed)))
    }

    fn begin<F>(
        &self,
        back: Back,
        now_ms: i64,
        find: impl FnOnce() -> Option<F>,
    ) -> Result<Promised, SignInOutcome>
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.peek(&back.login) {
            let is_told = known.code == back.code && now_ms < known.told_until_ms;
            return is_told.then(|| known.verdict.clone()).ok_or(SignInOutcome::Expired);
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| SignInOutcome::Busy)?;
        let find = timeout(DEADLINE, find().ok_or(SignInOutcome::Busy)?);
        let (tell, verdict) = watch::channel(None);
        // Nobody joins it: a phone that goes away and opens the callback again must find the one
        // exchange that its code is good for. It ends with its deadline at the latest.
        drop(tokio::spawn(async move {
            let found = find.await.unwrap_or(Verdict::Told(SignInOutcome::Busy));
            tell.send_replace(Some(found));
            drop(permit);
        }));
        for _ in 0..FORGOTTEN_AT_ONCE {
            if known.peek_lru().is_some_and(|(_, first)| first.until_ms <= now_ms) {
                drop(known.pop_lru());
            }
        }
        let told_until_ms = now_ms.saturating_add(REMEMBERED_MS);
        let (code, until_ms) = (back.code, back.until_ms);
        known.put(back.login, Known { code, told_until_ms, until_ms, verdict: verdict.clone() });
        Ok(verdict)
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
#[path = "once/tests.rs"]
mod tests;
