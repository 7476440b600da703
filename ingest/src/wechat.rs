//! The client side of WeChat: the way to its login page, the exchange of a code, who follows.
//!
//! Invariants: a code is exchanged at most once by one call; every call is bounded in time, in
//! number and in the size of its answer; a used-up quota is not asked again and again. Never here:
//! a raw openid, unionid, code, token or secret in a log line, an error or Debug, nor kept.

mod account;
mod answers;
mod api;
mod app_token;
mod complaints;
mod error;
pub mod follows;
mod metrics;
mod quota;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use journal::Clock;
use tokio::sync::{Semaphore, SemaphorePermit};

use account::base;
use answers::{ExchangeAnswer, UserInfoAnswer, is_id};
use api::{Api, Limits, query};
use app_token::{AppToken, AppTokens};
use metrics::Call;

pub use account::{Account, BadAccount};
pub use answers::{Exchanged, Follower};
pub use error::Error;
pub use follows::{Follows, Known};
pub use metrics::{Metrics, WECHAT_BACKING_OFF, WECHAT_REQUESTS};

/// The longest code that is sent. WeChat's have 32 characters.
const CODE_BYTES_MAX: usize = 512;

/// How much WeChat is asked to tell of a voter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The openid, without a question to the voter.
    Openid,
    /// The unionid too, for which the voter has to consent. More that WeChat would tell then is not
    /// asked for.
    Unionid,
}

impl Scope {
    /// Its name at WeChat.
    const fn name(self) -> &'static str {
        match self {
            Self::Openid => "snsapi_base",
            Self::Unionid => "snsapi_userinfo",
        }
    }
}

/// The client of one account; cheap to clone, and its clones share the app token and all bounds.
#[derive(Clone)]
pub struct WeChat {
    inner: Arc<Inner>,
}

struct Inner {
    account: Account,
    authorize: String,
    api: Api,
    tokens: AppTokens,
    room: Semaphore,
}

impl WeChat {
    /// A client for this account. Nothing is asked yet.
    ///
    /// # Errors
    /// If one of its URLs cannot be used.
    pub fn new(
        account: Account,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, BadAccount> {
        Self::with_limits(account, clock, metrics, Limits::default())
    }

    fn with_limits(
        account: Account,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
        limits: Limits,
    ) -> Result<Self, BadAccount> {
        let (api, is_private) = base(&account.api).ok_or(BadAccount::Api)?;
        if !is_private {
            return Err(BadAccount::Api);
        }
        let (authorize, _) = base(&account.authorize).ok_or(BadAccount::Authorize)?;
        let api = Api::new(api, clock, metrics, limits)?;
        let room = Semaphore::new(limits.calls_max);
        let tokens = AppTokens::default();
        Ok(Self { inner: Arc::new(Inner { account, authorize, api, tokens, room }) })
    }

    /// The account's public name.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.inner.account.app_id
    }

    /// Where to send a browser for a code, which it brings to `redirect_uri` with `state`. The
    /// parameters are in the order that WeChat demands.
    #[must_use]
    pub fn authorize_url(&self, redirect_uri: &str, state: &str, scope: Scope) -> String {
        let parameters = query(&[
            ("appid", self.app_id()),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", scope.name()),
            ("state", state),
        ]);
        let authorize = &self.inner.authorize;
        format!("{authorize}/connect/oauth2/authorize?{parameters}#wechat_redirect")
    }

    /// Whom this code stands for. One request, never repeated: whatever the answer, the code is
    /// not to be used again.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn exchange(&self, code: &str) -> Result<Exchanged, Error> {
        let Inner { account, api, .. } = &*self.inner;
        if code.is_empty() || code.len() > CODE_BYTES_MAX {
            return Err(Error::CodeSpent);
        }
        let _room = self.enter(Call::Exchange)?;
        let parameters = [
            ("appid", account.app_id.as_str()),
            ("secret", &account.app_secret),
            ("code", code),
            ("grant_type", "authorization_code"),
        ];
        let path = "/sns/oauth2/access_token";
        let is_sound = |answer: &ExchangeAnswer| is_id(&answer.openid);
        let answer = api.get(Call::Exchange, path, &parameters, is_sound).await?;
        Ok(answer.into())
    }

    /// Whether this openid follows the account. Of 500,000 a day: ask only whom nothing is known
    /// of, never for a page view.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn follower(&self, openid: &str) -> Result<Follower, Error> {
        if !is_id(openid) {
            return Err(Error::ForeignOpenid);
        }
        let _room = self.enter(Call::UserInfo)?;
        let api = &self.inner.api;
        let asked = tokio::time::timeout(api.limits.deadline, self.ask_follower(openid)).await;
        asked.unwrap_or_else(|_| {
            let cause = "the app token took the time".to_owned();
            Err(api.ended(Call::UserInfo, (Error::Unreachable, cause)))
        })
    }

    async fn ask_follower(&self, openid: &str) -> Result<Follower, Error> {
        let Inner { account, api, tokens, .. } = &*self.inner;
        let token = tokens.current(api, account).await?;
        match self.user_info(&token, openid).await {
            Err(refusal) if refusal.is_of_token() => {
                let token = tokens.instead_of(&token, refusal, (api, account)).await?;
                self.user_info(&token, openid).await
            }
            answered => answered,
        }
    }

    async fn user_info(&self, token: &AppToken, openid: &str) -> Result<Follower, Error> {
        let parameters = [("access_token", token.as_str()), ("openid", openid), ("lang", "zh_CN")];
        let is_sound = |answer: &UserInfoAnswer| answer.openid == openid;
        let path = "/cgi-bin/user/info";
        let answer = self.inner.api.get(Call::UserInfo, path, &parameters, is_sound).await?;
        Ok(answer.into())
    }

    /// Room for a call, held until it has ended.
    fn enter(&self, call: Call) -> Result<SemaphorePermit<'_>, Error> {
        let full = |_| self.inner.api.ended(call, (Error::Busy, "too many at once".to_owned()));
        self.inner.room.try_acquire().map_err(full)
    }
}

impl fmt::Debug for WeChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeChat").field("account", &self.inner.account).finish_non_exhaustive()
    }
}
