//! What an imitation is made of: a service account, perhaps a subscription account beside it, and
//! where voters and events are sent.
//!
//! The secrets here open nothing but the imitation. Never here: a setting of the real WeChat.

use std::sync::Arc;

use journal::Clock;

/// One official account, as its owner would see it in WeChat's console.
#[derive(Debug, Clone)]
pub struct Account {
    /// Such as `wx0123456789abcdef`.
    pub app_id: String,
    /// What its owner's server proves itself with.
    pub app_secret: String,
    /// What its events are signed with.
    pub event_token: String,
}

/// Which of the two accounts is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A verified service account: the only kind that may sign voters in by web authorization.
    Service,
    /// A subscription account: it has followers, messages and events.
    Subscription,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Service, Self::Subscription];

    /// `service` or `subscription`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Subscription => "subscription",
        }
    }
}

/// One value for each account.
#[derive(Debug, Default)]
pub(crate) struct PerKind<T> {
    service: T,
    subscription: T,
}

impl<T> PerKind<T> {
    pub(crate) const fn of(&self, kind: Kind) -> &T {
        match kind {
            Kind::Service => &self.service,
            Kind::Subscription => &self.subscription,
        }
    }

    pub(crate) const fn of_mut(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::Service => &mut self.service,
            Kind::Subscription => &mut self.subscription,
        }
    }
}

/// Whose unionid the exchange of a code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unionids {
    /// Everybody's: the accounts are bound under one Open Platform.
    Told,
    /// Only that of who consented on the page of `snsapi_userinfo`, as WeChat's reference has it;
    /// `user/info` tells those of followers.
    WithConsent,
    /// Nobody's, nowhere: the accounts are not bound.
    Unbound,
}

/// What an imitation is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Tells the imitation what time it is, but for its deadlines and latencies, which are real.
    pub clock: Arc<dyn Clock>,
    /// The account that voters sign in with.
    pub service: Account,
    /// A second account, bound to the first by unionids.
    pub subscription: Option<Account>,
    /// What the authority of each `redirect_uri` must equal to the letter. WeChat allows no port;
    /// this one is for local use, so the port belongs to it: `127.0.0.1:8080`.
    pub redirect_domain: String,
    /// Where events are posted: `http://127.0.0.1:8080/wechat/events`. None: nowhere.
    pub events_url: Option<String>,
    /// A person of a name has the same openids under the same seed, also after a restart. Codes and
    /// tokens follow from it and the time at which the imitation is made.
    pub seed: u64,
}
