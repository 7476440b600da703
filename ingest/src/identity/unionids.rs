//! Which voters the subscribers of an account are, in mode `unionid`: WeChat is asked about each
//! who subscribes or shows up, in the background, until it answers.
//!
//! Invariant: a subscriber who has gone stays gone, whatever was on its way about them. An openid
//! is here until there is an answer, in memory only; bounded, and in no log. Never here: a request
//! that waits for WeChat.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ballot::{Mode, PseudonymKey};
use futures_util::{StreamExt as _, stream};
use journal::Clock;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::once::Alarm;
use super::{SignIn, WeChatSignIn};
use crate::wechat::follows::Follows;
use crate::wechat::{Error, Follower, WeChat};

/// Subscribers that are asked about or wait to be; one more is not taken. Ten seconds of a hundred
/// a second.
const WAITING_MAX: usize = 1_024;
/// Asked about at once: at 200 ms each, forty a second. Those who sign in have most of the room.
const AT_ONCE: usize = 8;
const WAIT_MIN: Duration = Duration::from_secs(1);
/// A used-up quota comes back at midnight: until then this costs the client a look at its own
/// notes.
const WAIT_MAX: Duration = Duration::from_secs(60);

const NO_UNIONID: &str = "WeChat tells no unionid: bind both accounts to one Open Platform";

/// The subscribers of one campaign who are yet to be known.
pub(super) struct Unionids {
    waiting: Mutex<BTreeMap<String, State>>,
    queue: mpsc::Sender<String>,
    /// For whoever does the asking.
    queued: Mutex<Option<mpsc::Receiver<String>>>,
}

/// What was heard of a subscriber.
#[derive(Clone, Copy)]
struct State {
    /// That they have gone.
    is_gone: bool,
    /// Something, since somebody looked.
    is_news: bool,
}

impl Unionids {
    pub(super) fn new() -> Self {
        let (queue, queued) = mpsc::channel(WAITING_MAX);
        Self { waiting: Mutex::default(), queue, queued: Mutex::new(Some(queued)) }
    }

    /// Has WeChat asked who this subscriber is. Answers whether there was room for that.
    pub(super) fn ask(&self, openid: &str) -> bool {
        let mut waiting = self.waiting();
        if let Some(state) = waiting.get_mut(openid) {
            *state = State { is_gone: false, is_news: true };
            return true;
        }
        // Nobody takes one out before it is in the map: that needs the lock.
        let has_room =
            waiting.len() < WAITING_MAX && self.queue.try_send(openid.to_owned()).is_ok();
        if has_room {
            waiting.insert(openid.to_owned(), State { is_gone: false, is_news: false });
        }
        has_room
    }

    /// Notes that this subscriber has gone.
    pub(super) fn gone(&self, openid: &str) {
        if let Some(state) = self.waiting().get_mut(openid) {
            *state = State { is_gone: true, is_news: true };
        }
    }

    /// Whether a subscriber has gone, as far as was heard until now.
    fn look(&self, openid: &str) -> bool {
        let mut waiting = self.waiting();
        let Some(state) = waiting.get_mut(openid) else { return true };
        state.is_news = false;
        state.is_gone
    }

    /// Whether nothing was heard of a subscriber since somebody looked. Then they wait no longer.
    fn settle(&self, openid: &str) -> bool {
        let mut waiting = self.waiting();
        if waiting.get(openid).is_some_and(|state| state.is_news) {
            return false;
        }
        waiting.remove(openid);
        true
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Unionids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unionids").field("waiting", &self.waiting().len()).finish_non_exhaustive()
    }
}

impl SignIn {
    /// Asks WeChat who new subscribers are, in mode `unionid`; in others there is nothing to ask.
    /// It never ends: whoever spawns it ends it with the process. What has no answer by then is
    /// lost, and the voter has to show up at the account again.
    ///
    /// Called once for each sign-in; a second call does nothing.
    pub fn learn_subscribers(
        &self,
        campaign: &str,
        clock: Arc<dyn Clock>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (mode, pseudonyms) = (self.mode, self.pseudonyms.clone());
        let (wechat, campaign) = (self.wechat.clone(), campaign.to_owned());
        async move {
            if let (Mode::Unionid, Some(sign_in), Some(pseudonyms)) = (mode, wechat, pseudonyms)
                && let Some(wechat) = sign_in.subscription.clone()
                && let Some(queued) = sign_in.events.unionids.take()
            {
                let alarm = Alarm::default();
                Learning { wechat, sign_in, pseudonyms, clock, campaign, alarm }.run(queued).await;
            }
            pending().await
        }
    }
}

impl Unionids {
    fn take(&self) -> Option<mpsc::Receiver<String>> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whoever knows who follows.
trait Knows: Send + Sync {
    fn follower(&self, openid: &str) -> impl Future<Output = Result<Follower, Error>> + Send;
}

impl Knows for WeChat {
    fn follower(&self, openid: &str) -> impl Future<Output = Result<Follower, Error>> + Send {
        Self::follower(self, openid)
    }
}

/// Another try may help.
struct Later;

/// What asking takes.
struct Learning<W> {
    wechat: W,
    sign_in: Arc<WeChatSignIn>,
    pseudonyms: PseudonymKey,
    clock: Arc<dyn Clock>,
    campaign: String,
    alarm: Alarm,
}

impl<W: Knows> Learning<W> {
    async fn run(&self, queued: mpsc::Receiver<String>) {
        let openids =
            stream::unfold(queued, async |mut queued| Some((queued.recv().await?, queued)));
        openids.for_each_concurrent(AT_ONCE, |openid| self.settle(openid)).await;
    }

    /// Asks about a subscriber until what is known is what was heard last.
    async fn settle(&self, openid: String) {
        let unionids = &self.sign_in.events.unionids;
        let mut wait = WAIT_MIN;
        loop {
            let done = if unionids.look(&openid) {
                self.forget(&openid).await
            } else {
                self.ask(&openid).await
            };
            match done {
                Ok(()) if unionids.settle(&openid) => return,
                Ok(()) => {}
                Err(Later) => {
                    sleep(wait).await;
                    wait = (wait * 2).min(WAIT_MAX);
                }
            }
        }
    }

    async fn ask(&self, openid: &str) -> Result<(), Later> {
        let asked_ms = self.clock.now_ms();
        match self.wechat.follower(openid).await {
            Ok(Follower { follows: false, .. }) => Ok(()),
            Ok(Follower { unionid: None, .. }) => {
                self.alarm.raise(asked_ms, &self.campaign, &NO_UNIONID);
                Ok(())
            }
            Ok(Follower { unionid: Some(unionid), since_s, .. }) => {
                let subscriber = self.pseudonyms.voter(openid.as_bytes());
                let voter = self.pseudonyms.voter(unionid.as_bytes());
                let linked = self.follows().link(subscriber, voter, since_s, asked_ms).await;
                linked.map_err(|_| Later)
            }
            // None of these is about the subscriber. The client tells operators.
            Err(Error::Busy | Error::Quota | Error::Unreachable | Error::Configuration { .. }) => {
                Err(Later)
            }
            Err(Error::ForeignOpenid | Error::MustFollow | Error::CodeSpent | Error::Nonsense) => {
                Ok(())
            }
        }
    }

    /// Once more: an answer may have been noted after they had gone.
    async fn forget(&self, openid: &str) -> Result<(), Later> {
        let subscriber = self.pseudonyms.voter(openid.as_bytes());
        let forgotten = self.follows().unsubscribed(subscriber).await;
        forgotten.map(drop).map_err(|_| Later)
    }

    fn follows(&self) -> &Follows {
        &self.sign_in.follows
    }
}

#[cfg(test)]
#[path = "unionids/tests.rs"]
mod tests;
