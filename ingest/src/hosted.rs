//! A campaign as an edge serves it: what it was given, and what is made of that.
//!
//! Its texts and token keys may be replaced while it is served: a request is answered by those of
//! the moment it looks. It also says who a request's voter is. Never here: a raw identity, or a
//! voter that a token has not proved.

use std::sync::Arc;

use ballot::{Campaign, Mode, Rules, Token, TokenError, TokenKeys, VoterId, VotingDay};
use hyper::header::{AUTHORIZATION, COOKIE, HeaderMap};
use journal::Journal;
use tokio::sync::watch;

use crate::campaign_document::Document;
use crate::challenge::Challenge;
use crate::edge::{EdgeCampaign, Voting};
use crate::identity::{Callbacks, voter_name};
use crate::metrics::ChallengeCounts;
use crate::noted::Noted;
use crate::outcomes::Outcomes;
use crate::pages::Pages;
use crate::posters::Posters;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::slow_bodies::SlowBodies;
use crate::stream::Frame;
use crate::tally::newest;

/// A campaign and what is made of it.
#[derive(Debug)]
pub(crate) struct Hosted<J> {
    /// As it was at the start; its texts and token keys as they are now are in `current`.
    pub(crate) given: EdgeCampaign<J>,
    /// Looked at with a read lock that is held for a microsecond at most and never across an
    /// await; written when an operator says so.
    current: watch::Sender<Current>,
    /// The newest tally as the streams send it.
    pub(crate) frame: Arc<Frame>,
    /// Outcomes that will not change any more.
    pub(crate) outcomes: Outcomes,
    /// Ballots about which something was noticed.
    pub(crate) noted: Noted,
    /// What such a ballot has to meet.
    pub(crate) challenge: Option<Challenge>,
    /// Ballots whose body is waited for.
    pub(crate) slow_bodies: SlowBodies,
    /// Voters who have just come back from WeChat.
    pub(crate) callbacks: Callbacks,
    /// The name of the cookie that has a voter's token.
    pub(crate) cookie: String,
    /// Those of the campaign's file, to be shown before a result has any. They never judge a ballot
    /// and have no fingerprint of the key, which may not be here.
    own_rules: Arc<Rules>,
}

/// What of a campaign may be replaced while it is served.
#[derive(Debug)]
struct Current {
    document: Arc<Document>,
    /// None where only results are served.
    tokens: Option<TokenKeys>,
    pages: Pages,
    posters: Arc<Posters>,
}

impl Current {
    /// All that is made of a campaign's texts, made of these.
    fn of(campaign: &Campaign, tokens: Option<TokenKeys>, mode: Option<Mode>) -> Self {
        let document = Arc::new(Document::of(campaign));
        let pages = Pages::render(campaign, mode);
        let posters = Arc::new(Posters::of(campaign.clone()));
        Self { document, tokens, pages, posters }
    }
}

impl<J: Journal> Hosted<J> {
    pub(crate) fn new(
        given: EdgeCampaign<J>,
        (noted, counts): (Noted, ChallengeCounts),
        is_secure: bool,
    ) -> Self {
        let EdgeCampaign { campaign, journal, .. } = &given;
        let own_rules = Rules::new(campaign, journal.identity(), journal.partitions(), [0; 16]);
        let permits = given.voting.as_ref().map_or(0, |voting| voting.batcher.in_flight_max());
        let tokens = given.voting.as_ref().map(|voting| voting.tokens.clone());
        Self {
            current: watch::Sender::new(Current::of(&given.campaign, tokens, mode(&given))),
            frame: Arc::default(),
            outcomes: Outcomes::default(),
            noted,
            challenge: Challenge::of(&given, counts),
            slow_bodies: SlowBodies::new(permits),
            callbacks: Callbacks::default(),
            cookie: voter_name(&given.campaign.id, is_secure),
            own_rules: Arc::new(own_rules),
            given,
        }
    }

    /// Replaces the campaign's texts and its token keys at once.
    pub(crate) fn renew(&self, campaign: &Campaign, tokens: Option<TokenKeys>) {
        self.current.send_replace(Current::of(campaign, tokens, mode(&self.given)));
    }

    /// What its page and its board ask for.
    pub(crate) fn document(&self) -> Arc<Document> {
        Arc::clone(&self.current.borrow().document)
    }

    /// What people see of it.
    pub(crate) fn pages(&self) -> Pages {
        self.current.borrow().pages.clone()
    }

    /// What is printed of it.
    pub(crate) fn posters(&self) -> Arc<Posters> {
        Arc::clone(&self.current.borrow().posters)
    }

    /// What ballots need. Where only results are served, what asks for it is no address.
    pub(crate) fn voting(&self) -> Result<&Voting<J>, Refusal> {
        self.given.voting.as_ref().ok_or_else(|| Problem::UnknownRoute.into())
    }

    /// The rules to show: those that ballots are checked by, or else those of the result.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        if let Ok(voting) = self.voting() {
            return voting.batcher.rules();
        }
        let served = newest(&self.given.view);
        served.map_or_else(|| Arc::clone(&self.own_rules), |served| Arc::new(served.rules.clone()))
    }

    /// Whether a day has been closed in this voter's partition, as far as the result says: a ballot
    /// of it would be late, however well it is timed.
    pub(crate) fn is_closed(&self, voter: VoterId, day: VotingDay) -> bool {
        let served = self.given.view.served.borrow();
        let Some(served) = served.as_deref() else { return false };
        let partition = voter.partition(served.rules.partitions) as usize;
        let snapshot = served.snapshots.get(partition);
        snapshot.is_some_and(|of| of.closed().contains(&day) || of.fold().is_final())
    }

    /// The voter's token, from `Authorization: Bearer` or else this campaign's cookie.
    pub(crate) fn token(&self, headers: &HeaderMap, now_ms: i64) -> Result<Token, Refusal> {
        // Where only results are served, there are no voters.
        self.voting()?;
        if headers.get_all(AUTHORIZATION).into_iter().nth(1).is_some() {
            // Which of them a proxy in front has looked at is not known.
            return Err(Problem::Unauthenticated.because(
                "Send one Authorization header, not several.",
                "请求只能包含一个 Authorization 头。",
            ));
        }
        let text = bearer(headers).or_else(|| cookie(headers, &self.cookie));
        self.check(text.ok_or(Problem::Unauthenticated)?, now_ms)
    }

    /// The voter whom this browser is signed in as.
    pub(crate) fn signed_in(&self, headers: &HeaderMap, now_ms: i64) -> Option<VoterId> {
        let token = self.check(cookie(headers, &self.cookie)?, now_ms).ok()?;
        Some(token.voter)
    }

    /// What `with` makes of the keys of now. They may be others in a moment: it is to be short.
    pub(crate) fn with_keys<T>(&self, with: impl FnOnce(&TokenKeys) -> T) -> Result<T, Refusal> {
        let current = self.current.borrow();
        Ok(with(current.tokens.as_ref().ok_or(Problem::UnknownRoute)?))
    }

    /// What a token says, if it holds.
    pub(crate) fn check(&self, text: &[u8], now_ms: i64) -> Result<Token, Refusal> {
        self.with_keys(|keys| keys.check(text, now_ms))?.map_err(|error| match error {
            TokenError::Expired => Problem::Unauthenticated.because(
                "Your sign-in has expired. Please sign in again.",
                "登录已过期，请重新登录。",
            ),
            TokenError::Malformed
            | TokenError::UnknownKey
            | TokenError::Forged
            | TokenError::Trial => Problem::Unauthenticated.because(
                "Your sign-in does not hold for this campaign. Please sign in again.",
                "登录信息对本活动无效，请重新登录。",
            ),
        })
    }
}

/// How voters sign in here; none where only results are served.
fn mode<J>(given: &EdgeCampaign<J>) -> Option<Mode> {
    given.voting.as_ref().map(|voting| voting.sign_in.mode)
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    // HTTP/2 may send each cookie in a header of its own.
    let all = headers.get_all(COOKIE).into_iter();
    let mut pairs = all.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(<[u8]>::trim_ascii)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_behind_its_scheme_or_under_its_very_name() {
        let headers = [
            (AUTHORIZATION, "bEaRer  abc ".parse().unwrap()),
            (COOKIE, "weir-c2=x; weir-c=y".parse().unwrap()),
            (COOKIE, "a=b;weir-d = z".parse().unwrap()),
        ];
        let headers: HeaderMap = headers.into_iter().collect();
        assert_eq!(bearer(&headers), Some(b"abc".as_slice()));
        assert_eq!(cookie(&headers, "weir-c"), Some(b"y".as_slice()));
        assert_eq!(cookie(&headers, "weir-d"), None);
        assert_eq!(cookie(&headers, "weir"), None);
        for other in ["Basic abc", "Bearer", ""] {
            let headers = [(AUTHORIZATION, other.parse().unwrap())].into_iter().collect();
            assert_eq!(bearer(&headers), None, "{other}");
        }
    }
}
