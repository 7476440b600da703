//! A sign-in on its way to WeChat and back: one half is a cookie of the browser, the other the
//! `state` that WeChat carries.
//!
//! Invariant: the halves hold only together, for ten minutes, for the campaign that they were made
//! for: a seal over the cookie is in the state. So a callback that was begun in another browser,
//! or a state that was overheard, signs nobody in. Never here: anything about who the voter is.

use ballot::{TokenKeys, hex, unhex};

use crate::language::Language;

/// How long a voter may take at WeChat's page.
const LIFE_S: u64 = 600;
/// How often a sign-in may begin again by itself.
const AGAIN_MAX: u8 = 1;
/// A seal as it is written. With an id of 48 characters behind it, the state has 128, which is all
/// that WeChat takes.
const SEAL_CHARS: usize = 32;
const PURPOSE: &str = "login";

/// What the browser's half says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) campaign: String,
    nonce: [u8; 16],
    expires_at_s: u64,
    /// How often it has begun again.
    again: u8,
    /// The language to come back to, where the browser would be answered in the other one.
    pub(super) language: Option<Language>,
}

impl Login {
    /// A new one, from random bytes.
    pub(super) fn new(campaign: &str, nonce: [u8; 16], now_s: u64) -> Self {
        let (campaign, expires_at_s) = (campaign.to_owned(), now_s + LIFE_S);
        Self { campaign, nonce, expires_at_s, again: 0, language: None }
    }

    /// The same, to come back to the page in this language.
    pub(super) fn back_in(self, language: Option<Language>) -> Self {
        Self { language, ..self }
    }

    /// The half of a cookie, believed in nothing until a state holds with it.
    pub(super) fn read(cookie: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(cookie).ok()?;
        let mut parts = text.split('.');
        let [campaign, nonce, expires, again, language] = std::array::from_fn(|_| parts.next());
        let login = Self {
            campaign: campaign?.to_owned(),
            nonce: unhex(nonce?)?,
            expires_at_s: expires?.parse().ok()?,
            again: again?.parse().ok().filter(|again| *again <= AGAIN_MAX)?,
            language: language.and_then(Language::named),
        };
        // One sign-in is written in one way.
        (login.cookie() == text).then_some(login)
    }

    /// As the cookie has it.
    pub(super) fn cookie(&self) -> String {
        let Self { campaign, nonce, expires_at_s, again, language } = self;
        let language = language.map_or(String::new(), |language| format!(".{}", language.name()));
        format!("{campaign}.{}.{expires_at_s}.{again}{language}", hex(nonce))
    }

    /// WeChat's half: a seal, and the campaign for whoever has lost the cookie.
    pub(super) fn state(&self, keys: &TokenKeys) -> String {
        let seal = keys.seal(PURPOSE, self.cookie().as_bytes());
        hex(&seal) + &hex(self.campaign.as_bytes())
    }

    /// The sign-in that this state belongs to: this one, or the one that it began again from, since
    /// some phones open a callback twice. None if the state holds for neither.
    pub(super) fn of_state(&self, keys: &TokenKeys, state: &str) -> Option<Self> {
        let (seal, campaign) = state.split_at_checked(SEAL_CHARS)?;
        let seal: [u8; 16] = unhex(seal)?;
        if campaign != hex(self.campaign.as_bytes()) {
            return None;
        }
        let tries = (0..=self.again).map(|again| Self { again, ..self.clone() });
        // The comparison of seals takes the same time whatever differs.
        tries.rev().find(|login| keys.is_sealed(PURPOSE, login.cookie().as_bytes(), &seal))
    }

    /// The same once more, if it may be.
    pub(super) fn begun_again(&self) -> Option<Self> {
        (self.again < AGAIN_MAX).then(|| Self { again: self.again + 1, ..self.clone() })
    }

    /// The first instant at which it holds no more.
    pub(super) fn until_ms(&self) -> i64 {
        i64::try_from(self.expires_at_s.saturating_mul(1_000)).unwrap_or(i64::MAX)
    }

    /// How much longer it holds; none if it is over.
    pub(super) fn left_s(&self, now_s: u64) -> Option<u64> {
        self.expires_at_s.checked_sub(now_s).filter(|left_s| (1..=LIFE_S).contains(left_s))
    }
}

/// Whether a state was made for this campaign, or says so: nothing but where to send who has lost
/// the way depends on it.
pub(super) fn names(state: &str, campaign: &str) -> bool {
    state.get(SEAL_CHARS..).is_some_and(|named| named == hex(campaign.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_S: u64 = 1_702_872_000;

    fn keys(campaign: &str) -> TokenKeys {
        TokenKeys::new(campaign, &[(1, [1; 32])]).unwrap()
    }

    #[test]
    fn a_state_holds_with_its_own_cookie_and_no_other() {
        let (keys, login) = (keys("c"), Login::new("c", [7; 16], NOW_S));
        let state = login.state(&keys);
        assert_eq!(Login::read(login.cookie().as_bytes()).as_ref(), Some(&login));
        assert_eq!(login.of_state(&keys, &state), Some(login.clone()));
        let another = Login::new("c", [8; 16], NOW_S);
        assert_eq!(another.of_state(&keys, &state), None);
        let longer = Login { expires_at_s: login.expires_at_s + 1, ..login.clone() };
        assert_eq!(longer.of_state(&keys, &state), None);
        let other = Login { language: Some(Language::English), ..login.clone() };
        assert_eq!(other.of_state(&keys, &state), None);
        assert_eq!(Login::read(other.cookie().as_bytes()), Some(other));
        let foreign = Login { campaign: "d".to_owned(), ..login.clone() };
        assert_eq!(foreign.of_state(&keys, &state), None);
        let other_keys = TokenKeys::new("d", &[(1, [1; 32])]).unwrap();
        assert_eq!(login.of_state(&other_keys, &state), None);
        for cut in 0..state.len() {
            assert_eq!(login.of_state(&keys, &state[..cut]), None);
        }
        assert_eq!(login.of_state(&keys, &(state.clone() + "0")), None);
        assert!(names(&state, "c") && !names(&state, "d") && !names("", "c"));
    }

    #[test]
    fn what_begins_again_does_so_once_and_still_knows_the_state_before() {
        let (keys, first) = (keys("c"), Login::new("c", [7; 16], NOW_S));
        let second = first.begun_again().unwrap();
        assert_eq!(second.begun_again(), None);
        assert_ne!(first.state(&keys), second.state(&keys));
        assert_eq!(second.of_state(&keys, &first.state(&keys)), Some(first.clone()));
        assert_eq!(second.of_state(&keys, &second.state(&keys)), Some(second.clone()));
        assert_eq!(first.of_state(&keys, &second.state(&keys)), None);
    }

    #[test]
    fn it_holds_for_ten_minutes_and_never_for_longer() {
        let login = Login::new("c", [7; 16], NOW_S);
        assert_eq!(login.left_s(NOW_S), Some(600));
        assert_eq!(login.left_s(NOW_S + 599), Some(1));
        assert_eq!(login.left_s(NOW_S + 600), None);
        assert_eq!(login.left_s(NOW_S - 1), None, "a clock that was put back");
    }

    #[test]
    fn the_state_of_the_longest_id_is_what_wechat_takes() {
        let id = "a".repeat(48);
        let state = Login::new(&id, [0xFF; 16], NOW_S).state(&keys(&id));
        assert_eq!(state.len(), 128);
        assert!(state.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    proptest! {
        #[test]
        fn no_cookie_makes_it_panic_and_one_text_is_one_sign_in(
            cookie in "[a-z0-9.]{0,60}|c\\.[0-9a-f]{32}\\.[+0-9]{1,4}\\.[012](\\.(en|zh|zh-CN|))?",
            state in "\\PC{0,40}",
        ) {
            if let Some(login) = Login::read(cookie.as_bytes()) {
                prop_assert_eq!(login.cookie(), cookie);
                prop_assert_eq!(login.of_state(&keys("c"), &state), None);
            }
        }
    }
}
