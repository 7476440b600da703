//! Who a code stands for, and whether they follow: the questions to WeChat, and a verdict.
//!
//! Invariant: one exchange per proof, and `user/info` only for a campaign of followers and a voter
//! of whom nothing is known yet. What WeChat does not say for certain signs nobody in. An openid or
//! unionid goes into its pseudonym and ends with the proof; it is in no log.

use std::sync::Arc;

use ballot::{Mode, PseudonymKey, Token, VoterId};
use journal::{Clock, Journal};

use super::once::{Alarm, Verdict};
use super::{WeChatSignIn, seconds};
use crate::edge::Shared;
use crate::hosted::Hosted;
use crate::metrics::{SignInOutcome as Outcome, SignIns};
use crate::wechat::{Error, WeChat, follows};

/// Whoever has followed for less than a day is new.
const FRESH_S: u64 = 86_400;

/// What a code is proved with.
pub(super) struct Proof {
    wechat: Arc<WeChatSignIn>,
    service: WeChat,
    pseudonyms: PseudonymKey,
    mode: Mode,
    campaign: String,
    followers_only: bool,
    expires_at_s: u64,
    may_begin_again: bool,
    clock: Arc<dyn Clock>,
    sign_ins: SignIns,
    alarm: Arc<Alarm>,
}

/// Since when somebody follows, if that is known; none who does not.
type Following = Option<Option<u64>>;

/// Why there is no voter.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    WeChat(#[from] Error),
    #[error(transparent)]
    Follows(#[from] follows::Error),
    #[error("WeChat tells no unionid: bind both accounts to one Open Platform account")]
    NoUnionid,
}

impl Proof {
    /// For a voter of this campaign; none if it is not set up for that.
    pub(super) fn new<J: Journal>(
        edge: &Shared<J>,
        hosted: &Hosted<J>,
        expires_at_s: u64,
        may_begin_again: bool,
    ) -> Option<Self> {
        let sign_in = &hosted.voting().ok()?.sign_in;
        let wechat = Arc::clone(sign_in.wechat.as_ref()?);
        let campaign = &hosted.given.campaign;
        Some(Self {
            service: wechat.service.clone()?,
            wechat,
            pseudonyms: sign_in.pseudonyms.clone()?,
            mode: sign_in.mode,
            campaign: campaign.id.clone(),
            followers_only: campaign.followers_only,
            expires_at_s,
            may_begin_again,
            clock: Arc::clone(&edge.clock),
            sign_ins: edge.requests.sign_ins.clone(),
            alarm: hosted.callbacks.alarm(),
        })
    }

    /// The verdict on whoever came back with this code.
    pub(super) async fn of(self, code: String) -> Verdict {
        let verdict = match self.prove(&code).await {
            Ok(verdict) => verdict,
            Err(trouble) => self.refused(&trouble),
        };
        self.sign_ins.count(
            &self.campaign,
            match verdict {
                Verdict::Signed(_, outcome) | Verdict::Told(outcome) => outcome,
                Verdict::Again => Outcome::Again,
            },
        );
        verdict
    }

    async fn prove(&self, code: &str) -> Result<Verdict, Trouble> {
        let exchanged = self.service.exchange(code).await?;
        if exchanged.snapshot {
            return Ok(Verdict::Told(Outcome::Snapshot));
        }
        let identity = match self.mode {
            Mode::Unionid => exchanged.unionid.as_deref().ok_or(Trouble::NoUnionid)?,
            Mode::Service | Mode::Link | Mode::Token | Mode::Demo => &exchanged.openid,
        };
        let voter = self.pseudonyms.voter(identity.as_bytes());
        let following = match self.followers_only {
            true => self.following(voter, &exchanged.openid).await?,
            false => None,
        };
        let now_s = seconds(self.clock.now_ms());
        let is_fresh = |since_s: u64| now_s.saturating_sub(since_s) < FRESH_S;
        let token = Token {
            voter,
            follower: following.is_some(),
            fresh: following.flatten().is_some_and(is_fresh),
            expires_at_s: self.expires_at_s,
        };
        let may_vote = token.follower || !self.followers_only;
        Ok(Verdict::Signed(token, if may_vote { Outcome::Ok } else { Outcome::NotFollower }))
    }

    /// Whether somebody follows and, if so, since when as far as that is known.
    async fn following(&self, voter: VoterId, openid: &str) -> Result<Following, Trouble> {
        let follows = &self.wechat.follows;
        let asked_at_ms = self.clock.now_ms();
        if let Some(known) = follows.known(voter, asked_at_ms).await? {
            return Ok(known.follows.then_some(known.since_s));
        }
        if self.mode == Mode::Unionid {
            // Another account is followed: what its events have not told, WeChat cannot be asked.
            return Ok(None);
        }
        let (is_one, since_s) = match self.service.follower(openid).await {
            Ok(follower) => (follower.follows, follower.since_s),
            Err(Error::MustFollow) => (false, None),
            Err(error) => return Err(error.into()),
        };
        follows.learn(voter, is_one, since_s, asked_at_ms);
        Ok(is_one.then_some(since_s))
    }

    fn refused(&self, trouble: &Trouble) -> Verdict {
        if trouble.is_ours() {
            self.alarm.raise(self.clock.now_ms(), &self.campaign, trouble);
        }
        let outcome = trouble.outcome();
        if trouble.may_pass() && self.may_begin_again {
            return Verdict::Again;
        }
        Verdict::Told(outcome)
    }
}

impl Trouble {
    /// Whether another code is worth a try at once.
    const fn may_pass(&self) -> bool {
        matches!(self, Self::WeChat(Error::Busy | Error::CodeSpent))
    }

    /// Whether an operator is to hear of it here. What WeChat's client has trouble with, it tells
    /// by itself.
    const fn is_ours(&self) -> bool {
        match self {
            Self::NoUnionid | Self::Follows(_) | Self::WeChat(Error::ForeignOpenid) => true,
            Self::WeChat(_) => false,
        }
    }

    const fn outcome(&self) -> Outcome {
        match self {
            Self::WeChat(Error::CodeSpent) => Outcome::Expired,
            Self::WeChat(Error::MustFollow) => Outcome::NotFollower,
            Self::WeChat(Error::Busy | Error::Quota | Error::Unreachable | Error::Nonsense)
            | Self::Follows(follows::Error::Busy) => Outcome::Busy,
            Self::WeChat(Error::ForeignOpenid | Error::Configuration { .. })
            | Self::Follows(follows::Error::Open(_) | follows::Error::Storage(_))
            | Self::NoUnionid => Outcome::Failed,
        }
    }
}
