//! The app token: one holder for each account, one request at a time.
//!
//! Invariants: of any number of callers one asks and the others take its answer, a failure too; a
//! token is renewed five minutes before it ends, during which the old one is good; the forced
//! refresh, which makes other holders' tokens invalid, comes only after the plain one has brought
//! back a token that WeChat refuses. Never here: a token in Debug, an error or a log line.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::json;

use super::api::Api;
use super::metrics::Call;
use super::{Account, Error};

/// Old and new token are both good for this long.
const EARLY_MS: i64 = 5 * 60_000;
/// Not sooner after a request than this, although its token is about to end: WeChat's clock may be
/// a little behind ours, and then hands out the old token once more.
const RENEWED_MS_MIN: i64 = 10_000;
/// How long a failure is the answer to everybody, so that those who waited for it do not each ask.
const FAILED_HOLDS_MS: i64 = 1_000;
/// What WeChat allows of forced refreshes: so many a day, so far apart.
const FORCED_A_DAY: usize = 20;
const FORCED_APART_MS: i64 = 30_000;
const DAY_MS: i64 = 24 * 60 * 60_000;
/// WeChat asks for room for 512 characters.
const TOKEN_BYTES_MAX: usize = 2_048;

/// An app token, which is a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct AppToken(Arc<str>);

impl AppToken {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AppToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppToken(..)")
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: u32,
}

impl Answer {
    fn is_sound(&self) -> bool {
        let token = self.access_token.as_bytes();
        let is_shaped = !token.is_empty() && token.len() <= TOKEN_BYTES_MAX;
        is_shaped && token.iter().all(u8::is_ascii_graphic) && self.expires_in > 0
    }
}

#[derive(Debug)]
struct Lease {
    token: AppToken,
    from_ms: i64,
    renew_ms: i64,
    until_ms: i64,
}

/// What is known of the token now.
#[derive(Debug, Default)]
struct Held {
    lease: Option<Lease>,
    /// The last token that WeChat refused, and how.
    refused: Option<(AppToken, Error)>,
    /// When the last request failed, if the last did, and how.
    failed: Option<(i64, Error)>,
    /// When refreshes were forced; at most [`FORCED_A_DAY`].
    forced_ms: VecDeque<i64>,
}

impl Held {
    /// The token, if it has not ended. An instant before it was given out is a clock's that was
    /// set back: nobody knows.
    fn usable(&self, now_ms: i64) -> Option<AppToken> {
        let lease = self.lease.as_ref()?;
        (lease.from_ms..lease.until_ms).contains(&now_ms).then(|| lease.token.clone())
    }

    /// The answer that needs no request.
    fn ready(&self, now_ms: i64) -> Option<Result<AppToken, Error>> {
        if let Some(lease) = &self.lease
            && (lease.from_ms..lease.renew_ms).contains(&now_ms)
        {
            return Some(Ok(lease.token.clone()));
        }
        let (failed_ms, error) = self.failed?;
        let holds = (failed_ms..failed_ms.saturating_add(FAILED_HOLDS_MS)).contains(&now_ms);
        holds.then(|| self.usable(now_ms).ok_or(error))
    }

    fn refuse(&mut self, token: &AppToken, error: Error) {
        self.lease.take_if(|lease| lease.token == *token);
        self.refused = Some((token.clone(), error));
    }

    fn refusal_of(&self, answer: &Answer) -> Option<Error> {
        let (token, error) = self.refused.as_ref()?;
        (token.as_str() == answer.access_token).then_some(*error)
    }

    /// Whether a refresh may be forced now; it is noted as done.
    fn may_force(&mut self, now_ms: i64) -> bool {
        self.forced_ms.retain(|forced_ms| now_ms.saturating_sub(*forced_ms) < DAY_MS);
        let last_ms = self.forced_ms.back().copied();
        let is_soon =
            last_ms.is_some_and(|last_ms| now_ms.saturating_sub(last_ms) < FORCED_APART_MS);
        let may_force = self.forced_ms.len() < FORCED_A_DAY && !is_soon;
        if may_force {
            self.forced_ms.push_back(now_ms);
        }
        may_force
    }

    /// Takes what a request brought that was begun at `from_ms`.
    fn settle(
        &mut self,
        asked: Result<Answer, Error>,
        from_ms: i64,
        now_ms: i64,
    ) -> Result<AppToken, Error> {
        match asked {
            Ok(answer) => {
                let until_ms = from_ms.saturating_add(i64::from(answer.expires_in) * 1_000);
                let early_ms = until_ms.saturating_sub(EARLY_MS);
                let renew_ms = early_ms.max(from_ms.saturating_add(RENEWED_MS_MIN)).min(until_ms);
                let token = AppToken(answer.access_token.into());
                self.lease = Some(Lease { token: token.clone(), from_ms, renew_ms, until_ms });
                self.failed = None;
                Ok(token)
            }
            Err(error) => {
                self.failed = Some((now_ms, error));
                self.usable(now_ms).ok_or(error)
            }
        }
    }
}

/// Holds the app token of an account.
#[derive(Debug, Default)]
pub(super) struct AppTokens {
    /// Never across an await.
    held: Mutex<Held>,
    /// Held by the caller whose request is under way; a caller who gives up lets the next one ask.
    flight: tokio::sync::Mutex<()>,
}

impl AppTokens {
    /// The token; asked for if there is none that is good for more than five minutes.
    pub(super) async fn current(&self, api: &Api, account: &Account) -> Result<AppToken, Error> {
        let now_ms = api.now_ms();
        if let Some(ready) = self.held().ready(now_ms) {
            return ready;
        }
        let flight = self.flight.try_lock().ok();
        let _flight = match flight {
            Some(flight) => flight,
            None => {
                if let Some(token) = self.held().usable(now_ms) {
                    return Ok(token);
                }
                self.flight.lock().await
            }
        };
        let from_ms = api.now_ms();
        if let Some(ready) = self.held().ready(from_ms) {
            return ready;
        }
        let asked = self.ask(api, account).await;
        self.held().settle(asked, from_ms, api.now_ms())
    }

    /// Another token than this one, which WeChat has refused.
    pub(super) async fn instead_of(
        &self,
        token: &AppToken,
        refusal: Error,
        (api, account): (&Api, &Account),
    ) -> Result<AppToken, Error> {
        self.held().refuse(token, refusal);
        self.current(api, account).await
    }

    async fn ask(&self, api: &Api, account: &Account) -> Result<Answer, Error> {
        let mut answer = stable_token(api, account, false).await?;
        let mut refusal = self.held().refusal_of(&answer);
        if refusal.is_some() && self.held().may_force(api.now_ms()) {
            answer = stable_token(api, account, true).await?;
            refusal = self.held().refusal_of(&answer);
        }
        match refusal {
            None => Ok(answer),
            Some(refusal) => {
                let cause = "WeChat refuses the token that it hands out".to_owned();
                Err(api.ended(Call::AppToken, (refusal, cause)))
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn stable_token(api: &Api, account: &Account, force: bool) -> Result<Answer, Error> {
    let document = json!({
        "grant_type": "client_credential",
        "appid": account.app_id,
        "secret": account.app_secret,
        "force_refresh": force,
    });
    api.post(Call::AppToken, "/cgi-bin/stable_token", &document, Answer::is_sound).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(token: &str, expires_in: u32) -> Answer {
        Answer { access_token: token.to_owned(), expires_in }
    }

    #[test]
    fn a_refresh_is_forced_at_most_every_thirty_seconds_and_twenty_times_a_day() {
        let mut held = Held::default();
        for forced in 0..20 {
            let now_ms = forced * FORCED_APART_MS;
            assert!(held.may_force(now_ms));
            assert!(!held.may_force(now_ms + FORCED_APART_MS - 1));
        }
        assert!(!held.may_force(DAY_MS - 1));
        assert!(held.may_force(DAY_MS));
        assert!(!held.may_force(DAY_MS + FORCED_APART_MS - 1));
    }

    #[test]
    fn a_failed_renewal_leaves_the_old_token_until_it_ends() {
        let mut held = Held::default();
        let old = held.settle(Ok(answer("old", 7_200)), 0, 0).unwrap();
        assert_eq!(held.ready(7_200_000 - EARLY_MS - 1), Some(Ok(old.clone())));
        let early_ms = 7_200_000 - EARLY_MS;
        assert_eq!(held.ready(early_ms), None);
        assert_eq!(held.settle(Err(Error::Unreachable), early_ms, early_ms), Ok(old.clone()));
        assert_eq!(held.ready(early_ms + 1), Some(Ok(old)));
        assert_eq!(held.ready(early_ms + FAILED_HOLDS_MS), None);
        let end_ms = 7_200_000;
        assert_eq!(held.settle(Err(Error::Busy), end_ms, end_ms), Err(Error::Busy));
        assert_eq!(held.ready(end_ms + 1), Some(Err(Error::Busy)));
    }

    #[test]
    fn a_token_about_to_end_is_not_asked_for_by_every_caller_and_a_clock_set_back_is_not_believed()
    {
        let mut held = Held::default();
        let token = held.settle(Ok(answer("short", 200)), 1_000, 1_000).unwrap();
        assert_eq!(held.ready(1_000 + RENEWED_MS_MIN - 1), Some(Ok(token)));
        assert_eq!(held.ready(1_000 + RENEWED_MS_MIN), None);
        assert_eq!(held.ready(999), None);
        assert_eq!(format!("{held:?}").find("short"), None);
    }
}
