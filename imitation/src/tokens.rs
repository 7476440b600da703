//! App tokens of one account: which have been issued, and which of them hold.
//!
//! Invariant: a token is kept until five minutes before its end; then there is a new one, and both
//! hold until the old one's end. A forced refresh makes all earlier ones invalid at once. The clock
//! is passed in.

use crate::errcode::{BAD_TOKEN, EXPIRED_TOKEN, NOT_THE_NEWEST_TOKEN};

/// WeChat's: two hours.
const LIFE_MS: i64 = 7_200_000;
/// WeChat's: a new one is made this long before the end.
const OVERLAP_MS: i64 = 300_000;
/// WeChat's: within this time of a forced refresh, another changes nothing.
const FORCED_APART_MS: i64 = 30_000;
/// The newest of a day of refreshes, forced ones too: older ones were never issued as far as
/// anybody remembers.
const REMEMBERED_MAX: usize = 64;
/// What is shorter does not look like an app token: WeChat's are of about 138 characters.
const LENGTH_MIN: usize = 32;

#[derive(Debug)]
struct Token {
    text: String,
    expires_ms: i64,
    is_revoked: bool,
}

/// The app tokens of one account.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// The newest last.
    issued: Vec<Token>,
    forced_ms: Option<i64>,
}

impl Tokens {
    /// The token to use now and for how many seconds; `mint` makes the text of a new one.
    pub(crate) fn current(&mut self, now_ms: i64, mint: impl FnOnce() -> String) -> (String, i64) {
        let kept = |it: &&Token| !it.is_revoked && it.expires_ms - now_ms > OVERLAP_MS;
        if let Some(token) = self.issued.last().filter(kept) {
            return (token.text.clone(), (token.expires_ms - now_ms) / 1_000);
        }
        if self.issued.len() >= REMEMBERED_MAX {
            self.issued.remove(0);
        }
        let text = mint();
        let expires_ms = now_ms + LIFE_MS;
        self.issued.push(Token { text: text.clone(), expires_ms, is_revoked: false });
        (text, LIFE_MS / 1_000)
    }

    /// Whether a refresh that is forced now changes anything.
    pub(crate) fn may_be_forced(&self, now_ms: i64) -> bool {
        self.forced_ms.is_none_or(|forced_ms| now_ms - forced_ms >= FORCED_APART_MS)
    }

    /// Makes all tokens invalid, so that the next is a new one.
    pub(crate) fn force(&mut self, now_ms: i64) {
        self.forced_ms = Some(now_ms);
        self.revoke();
    }

    /// Makes all tokens invalid, as if somebody else had forced a refresh.
    pub(crate) fn revoke(&mut self) {
        self.issued.iter_mut().for_each(|token| token.is_revoked = true);
    }

    /// Whether a text is a token that holds.
    ///
    /// # Errors
    /// An errcode, if not.
    pub(crate) fn check(&self, text: &str, now_ms: i64) -> Result<(), i32> {
        if text.len() < LENGTH_MIN {
            return Err(BAD_TOKEN);
        }
        let token = self.issued.iter().find(|token| token.text == text);
        match token {
            None => Err(NOT_THE_NEWEST_TOKEN),
            Some(token) if token.expires_ms <= now_ms => Err(EXPIRED_TOKEN),
            Some(token) if token.is_revoked => Err(NOT_THE_NEWEST_TOKEN),
            Some(_) => Ok(()),
        }
    }

    /// Whether a text was ever a token of this account, as far as remembered.
    pub(crate) fn knows(&self, text: &str) -> bool {
        self.issued.iter().any(|token| token.text == text)
    }
}
