//! The client side of WeChat: the way to its login page, the exchange of a code, who follows.
//!
//! Invariants: a code is exchanged at most once by one call; every call is bounded in time, in
//! number and in the size of its answer; a used-up quota is not asked again and again. Never here:
//! a raw openid, unionid, code, token or secret in a log line, an error or Debug, nor kept.

mod api;
mod app_token;
mod complaints;
mod error;
mod metrics;
mod quota;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use hyper::Uri;
use journal::Clock;
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};

use api::{Api, Limits, query};
use app_token::{AppToken, AppTokens};
use metrics::Call;

pub use error::Error;
pub use metrics::{Metrics, WECHAT_BACKING_OFF, WECHAT_REQUESTS};

/// The longest code that is sent. WeChat's have 32 characters.
const CODE_BYTES_MAX: usize = 512;
/// The longest openid or unionid there is. WeChat's have 28 and 29 characters.
const ID_BYTES_MAX: usize = 64;

/// An official account of WeChat's.
#[derive(Clone)]
pub struct Account {
    /// Its public name, `wx…`.
    pub app_id: String,
    /// Its secret.
    pub app_secret: String,
    /// Where the API is. Unencrypted only on this machine: the secret goes there.
    pub api: String,
    /// Where a browser is sent to log in.
    pub authorize: String,
}

impl Account {
    /// An account at WeChat itself.
    #[must_use]
    pub fn new(app_id: impl Into<String>, app_secret: impl Into<String>) -> Self {
        Self {
            app_id: app_id.into(),
            app_secret: app_secret.into(),
            api: "https://api.weixin.qq.com".to_owned(),
            authorize: "https://open.weixin.qq.com".to_owned(),
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut account = f.debug_struct("Account");
        account.field("app_id", &self.app_id).field("api", &self.api);
        account.field("authorize", &self.authorize).finish_non_exhaustive()
    }
}

/// Why an account cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAccount {
    /// Of `api`.
    #[error("the URL of WeChat's API must be https://HOST, or http:// on this machine")]
    Api,
    /// Of `authorize`.
    #[error("the URL of WeChat's login page must be https://HOST or http://HOST")]
    Authorize,
    /// Nothing encrypted could be sent.
    #[error("TLS cannot be set up")]
    Tls,
}

/// Whom a code stands for.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The voter as this account knows them, follower or not.
    pub openid: String,
    /// The voter as all accounts of the Open Platform know them, if the account is bound to one.
    pub unionid: Option<String>,
    /// A virtual identity, made for who only looks at a page: no voter.
    pub snapshot: bool,
}

impl fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanged").field("snapshot", &self.snapshot).finish_non_exhaustive()
    }
}

/// Whether somebody follows the account.
#[derive(Clone, PartialEq, Eq)]
pub struct Follower {
    /// They do.
    pub follows: bool,
    /// Since when, in seconds since 1970-01-01 UTC.
    pub since_s: Option<u64>,
    /// The voter as all accounts of the Open Platform know them; of followers only.
    pub unionid: Option<String>,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut follower = f.debug_struct("Follower");
        follower.field("follows", &self.follows).field("since_s", &self.since_s);
        follower.finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct ExchangeAnswer {
    openid: String,
    unionid: Option<String>,
    #[serde(default)]
    is_snapshotuser: i64,
}

#[derive(Deserialize)]
struct UserInfoAnswer {
    subscribe: i64,
    openid: String,
    subscribe_time: Option<u64>,
    unionid: Option<String>,
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
    pub fn authorize_url(&self, redirect_uri: &str, state: &str) -> String {
        let parameters = query(&[
            ("appid", self.app_id()),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", "snsapi_base"),
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
        let unionid = answer.unionid.filter(|unionid| is_id(unionid));
        Ok(Exchanged { openid: answer.openid, unionid, snapshot: answer.is_snapshotuser != 0 })
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
        let follows = answer.subscribe != 0;
        let since_s = answer.subscribe_time.filter(|_| follows);
        Ok(Follower { follows, since_s, unionid: answer.unionid.filter(|unionid| is_id(unionid)) })
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

/// A base URL without the slash at its end, and whether what is sent there stays private.
fn base(url: &str) -> Option<(String, bool)> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    if uri.query().is_some() || url.contains('#') || uri.authority()?.as_str().contains('@') {
        return None;
    }
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let is_private = match uri.scheme_str()? {
        "https" => true,
        "http" => is_here,
        _ => return None,
    };
    Some((url.trim_end_matches('/').to_owned(), is_private))
}

/// Whether this has the shape of an openid or unionid.
fn is_id(id: &str) -> bool {
    let is_shaped = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(is_shaped)
}
