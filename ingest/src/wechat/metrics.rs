//! What a process shows of its calls to WeChat: names and label values.
//!
//! Invariant: every series is there from the start, whatever number of accounts share it. Never
//! here: a label whose value comes from a request or from WeChat.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::Error;
use super::quota::Pauses;
use crate::metrics::Pulled;

/// Calls to WeChat by call and outcome. One that was answered without a request counts too: `quota`
/// while a pause holds, `busy` when too many are under way.
pub const WECHAT_REQUESTS: &str = "weir_wechat_requests_total";
/// 1 while a quota of WeChat that is used up makes this process pause a kind of call, else 0.
pub const WECHAT_BACKING_OFF: &str = "weir_wechat_backing_off";

const CALL: &str = "call";
const OUTCOME: &str = "outcome";
const CALLS: [&str; 3] = ["exchange", "app_token", "user_info"];
/// `token`: the app token was refused; `openid`: it is foreign, or does not follow.
const OUTCOMES: [&str; 9] = [
    "ok",
    "busy",
    "quota",
    "code_spent",
    "token",
    "openid",
    "configuration",
    "unreachable",
    "nonsense",
];

/// What is asked of WeChat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Exchange,
    AppToken,
    UserInfo,
}

impl Call {
    pub(super) const COUNT: usize = CALLS.len();

    pub(super) const fn name(self) -> &'static str {
        CALLS[self as usize]
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Busy,
    Quota,
    CodeSpent,
    Token,
    Openid,
    Configuration,
    Unreachable,
    Nonsense,
}

impl Outcome {
    pub(super) const COUNT: usize = OUTCOMES.len();

    pub(super) const fn name(self) -> &'static str {
        OUTCOMES[self as usize]
    }

    /// A token's code means the app token only where one was sent; elsewhere it is the secret.
    pub(super) fn of(call: Call, error: Option<Error>) -> Self {
        match error {
            None => Self::Ok,
            Some(Error::Busy) => Self::Busy,
            Some(Error::CodeSpent) => Self::CodeSpent,
            Some(Error::ForeignOpenid | Error::MustFollow) => Self::Openid,
            Some(Error::Quota) => Self::Quota,
            Some(error @ Error::Configuration { .. }) => {
                let of_token = call == Call::UserInfo && error.is_of_token();
                if of_token { Self::Token } else { Self::Configuration }
            }
            Some(Error::Unreachable) => Self::Unreachable,
            Some(Error::Nonsense) => Self::Nonsense,
        }
    }
}

/// What is counted of calls to WeChat: made once per process, shared by its accounts.
#[derive(Debug, Clone)]
pub struct Metrics {
    counts: Arc<[[IntCounter; Outcome::COUNT]; Call::COUNT]>,
    /// One for each account.
    watched: Arc<Mutex<Vec<Weak<Pauses>>>>,
}

impl Metrics {
    /// Registered.
    ///
    /// # Errors
    /// If they are registered already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let opts = Opts::new(WECHAT_REQUESTS, "Calls to WeChat by call and outcome.");
        let counts = IntCounterVec::new(opts, &[CALL, OUTCOME])?;
        registry.register(Box::new(counts.clone()))?;
        let counts =
            CALLS.map(|call| OUTCOMES.map(|outcome| counts.with_label_values(&[call, outcome])));
        let help = "1 while a quota of WeChat that is used up makes calls pause.";
        let backing_off = IntGauge::new(WECHAT_BACKING_OFF, help)?;
        let watched = Arc::new(Mutex::new(Vec::<Weak<Pauses>>::new()));
        let (gauge, read) = (backing_off.clone(), Arc::clone(&watched));
        let reading = Box::new(move || {
            let watched = read.lock().unwrap_or_else(PoisonError::into_inner);
            let holds = watched.iter().filter_map(Weak::upgrade).any(|pauses| pauses.holds());
            gauge.set(i64::from(holds));
        });
        registry.register(Box::new(Pulled::new(vec![Box::new(backing_off)], vec![reading])))?;
        Ok(Self { counts: Arc::new(counts), watched })
    }

    /// Shows whether one of these pauses holds, as long as they are there.
    pub(super) fn watch(&self, pauses: &Arc<Pauses>) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|pauses| pauses.strong_count() > 0);
        watched.push(Arc::downgrade(pauses));
    }

    pub(super) fn count(&self, call: Call, outcome: Outcome) {
        self.counts[call as usize][outcome as usize].inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_the_places_of_what_they_name() {
        assert_eq!(Call::Exchange.name(), "exchange");
        assert_eq!(Call::AppToken.name(), "app_token");
        assert_eq!(Call::UserInfo.name(), "user_info");
        let token = Error::Configuration { errcode: 40_001 };
        let rights = Error::Configuration { errcode: 48_001 };
        let named = [
            (None, "ok"),
            (Some(Error::Busy), "busy"),
            (Some(Error::Quota), "quota"),
            (Some(Error::CodeSpent), "code_spent"),
            (Some(token), "token"),
            (Some(Error::ForeignOpenid), "openid"),
            (Some(Error::MustFollow), "openid"),
            (Some(rights), "configuration"),
            (Some(Error::Unreachable), "unreachable"),
            (Some(Error::Nonsense), "nonsense"),
        ];
        for (error, name) in named {
            assert_eq!(Outcome::of(Call::UserInfo, error).name(), name);
        }
        assert_eq!(Outcome::of(Call::AppToken, Some(token)).name(), "configuration");
    }

    #[test]
    fn two_accounts_share_the_metrics_and_a_second_registration_is_refused() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        metrics.clone().count(Call::Exchange, Outcome::Ok);
        metrics.count(Call::Exchange, Outcome::Ok);
        assert_eq!(metrics.counts[0][0].get(), 2);
        Metrics::new(&registry).unwrap_err();
    }
}
