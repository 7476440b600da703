//! What WeChat tells of an account's users: who follows, who does not any more, who writes for a
//! link. One account may serve several campaigns: all that have its token hear all of it.
//!
//! Invariant: nothing is believed before its signature, nothing has an effect twice, an answer is
//! out within a second of the body, and an unsubscribe is answered once what is known of the user
//! is deleted. Never here: an openid kept, or in a log; a call to WeChat.

use std::sync::Arc;
use std::time::Duration;

use ballot::{Mode, PseudonymKey};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::http::request::Parts;
use hyper::{Method, Response};
use journal::Journal;
use tokio::time::timeout;

use super::once::Alarm;
use super::reply::{self, FRESH_S};
use super::seen::{Reply, Seen};
use super::signature::Signed;
use super::unionids::Unionids;
use super::xml::{Deed, Malformed, Message};
use super::{WeChatSignIn, seconds};
use crate::edge::Shared;
use crate::hosted::Hosted;
use crate::metrics::{EventKind, EventOutcome};
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::{Body, read_body_if};
use crate::wechat::follows::Error;

/// WeChat's longest text has 2,048 bytes.
const BODY_BYTES_MAX: usize = 16 * 1_024;
/// WeChat itself waits for five seconds.
const BODY_TIMEOUT: Duration = Duration::from_secs(4);
/// From the body to the answer; what takes longer is tried again by WeChat.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

const ENCRYPTED: &str = "WeChat's events are encrypted: choose plain text (明文模式) for them";

/// What has been heard of the users of a campaign's account.
#[derive(Debug)]
pub struct Events {
    seen: Seen,
    pub(super) unionids: Unionids,
    pub(super) alarm: Alarm,
}

impl Default for Events {
    fn default() -> Self {
        Self { seen: Seen::new(), unionids: Unionids::new(), alarm: Alarm::default() }
    }
}

/// A campaign that hears of its account's users.
pub(super) struct Hearer<'a, J> {
    pub(super) hosted: &'a Hosted<J>,
    pub(super) mode: Mode,
    pub(super) wechat: &'a WeChatSignIn,
    pub(super) pseudonyms: &'a PseudonymKey,
}

impl<'a, J: Journal> Hearer<'a, J> {
    fn new(hosted: &'a Hosted<J>) -> Option<Self> {
        let sign_in = &hosted.voting().ok()?.sign_in;
        let (wechat, pseudonyms) = (sign_in.wechat.as_deref()?, sign_in.pseudonyms.as_ref()?);
        let is_one = sign_in.mode.is_wechat() && !wechat.event_token.is_empty();
        is_one.then_some(Self { hosted, mode: sign_in.mode, wechat, pseudonyms })
    }

    pub(super) fn id(&self) -> &'a str {
        &self.hosted.given.campaign.id
    }
}

/// `GET` and `POST /wechat/events`
pub(super) async fn answer<J: Journal>(
    edge: &Shared<J>,
    parts: &Parts,
    body: Incoming,
) -> Result<Response<Body>, Refusal> {
    let count = |outcome| edge.requests.wechat_events.count(EventKind::Other, outcome);
    let mut hearers: Vec<_> = edge.campaigns.iter().filter_map(Hearer::new).collect();
    if hearers.is_empty() {
        return Err(Problem::UnknownRoute.into());
    }
    let malformed = || {
        count(EventOutcome::Malformed);
        Refusal::from(Problem::MalformedRequest)
    };
    let forged = || {
        count(EventOutcome::Forged);
        let zh = "签名无效：请求并非来自微信，或时间戳与本机时间相差太多。";
        Problem::Unauthenticated
            .because("The signature does not hold, or its timestamp is far from our time.", zh)
    };
    let signed = Signed::read(parts.uri.query().unwrap_or_default()).ok_or_else(malformed)?;
    let is_recent = signed.is_recent(edge.clock.now_ms());
    let signer = hearers.iter().find(|one| signed.holds(&one.wechat.event_token));
    let signer = signer.filter(|_| is_recent).ok_or_else(forged)?.wechat;
    let seen = &signer.events.seen;
    if parts.method == Method::GET {
        let echo = signed.echo.as_deref().ok_or_else(malformed)?;
        if !seen.speaks_for(&signed.signature, echo.as_bytes()) {
            return Err(forged());
        }
        return Ok(told("text/plain; charset=utf-8", echo.to_owned()));
    }
    let body_timeout = edge.limits.body_timeout.min(BODY_TIMEOUT);
    let may_wait = || edge.event_bodies.try_acquire().map_err(|_| Problem::Overloaded.into());
    let body = read_body_if(body, BODY_BYTES_MAX, body_timeout, may_wait).await;
    let body = body.inspect_err(|why: &Refusal| {
        let is_full = matches!(why.problem, Problem::Overloaded);
        count(if is_full { EventOutcome::Dropped } else { EventOutcome::Malformed });
    })?;
    if !seen.speaks_for(&signed.signature, &body) {
        return Err(forged());
    }
    hearers.retain(|one| one.wechat.event_token == signer.event_token);
    let message = Message::read(&body).map_err(|why| {
        if let (Malformed::Encrypted, Some(first)) = (why, hearers.first()) {
            signer.events.alarm.raise(edge.clock.now_ms(), first.id(), &ENCRYPTED);
        }
        malformed()
    })?;
    take(edge, &hearers, &message).await
}

/// Acts upon a message, unless that was done, and replies to it.
async fn take<J: Journal>(
    edge: &Shared<J>,
    hearers: &[Hearer<'_, J>],
    message: &Message,
) -> Result<Response<Body>, Refusal> {
    let count = |outcome| edge.requests.wechat_events.count(kind(&message.deed), outcome);
    let Some(first) = hearers.first() else { return Err(Problem::UnknownRoute.into()) };
    let seen = &first.wechat.events.seen;
    if let Some(reply) = seen.find(message) {
        count(EventOutcome::Repeated);
        return Ok(replied(message, reply));
    }
    let now_ms = edge.clock.now_ms();
    let acting = async {
        let mut had_room = true;
        for one in hearers {
            had_room &= one.hear(message, now_ms).await?;
        }
        let text = reply::text(edge, hearers, message, now_ms).await;
        Ok::<_, Error>((had_room, Reply { text: text.map(Arc::from), at_s: seconds(now_ms) }))
    };
    // What was not done is not kept as seen: WeChat sends it again.
    let Ok(Ok((had_room, reply))) = timeout(ANSWER_WITHIN, acting).await else {
        count(EventOutcome::Dropped);
        return Err(Problem::Overloaded.into());
    };
    let (reply, is_first) = seen.keep(message, reply);
    count(match (had_room, is_first) {
        (false, _) => EventOutcome::Dropped,
        (true, true) => EventOutcome::Handled,
        (true, false) => EventOutcome::Repeated,
    });
    Ok(replied(message, reply))
}

impl<J: Journal> Hearer<'_, J> {
    /// Notes what a message says about who follows. Answers whether there was room for that.
    async fn hear(&self, message: &Message, now_ms: i64) -> Result<bool, Error> {
        let WeChatSignIn { follows, events, .. } = self.wechat;
        let openid = message.from.as_str();
        let user = self.pseudonyms.voter(openid.as_bytes());
        match (&message.deed, self.mode) {
            (Deed::Unsubscribe, Mode::Unionid) => {
                events.unionids.gone(openid);
                let voter = follows.unsubscribed(user).await?;
                // Whatever was asked before and is on its way is older than this no.
                voter.into_iter().for_each(|voter| follows.learn(voter, false, None, now_ms));
            }
            (Deed::Unsubscribe, Mode::Service | Mode::Link | Mode::Token | Mode::Demo) => {
                follows.forget(user).await?;
                follows.learn(user, false, None, now_ms);
            }
            (Deed::Subscribe, Mode::Service | Mode::Link) => {
                let since_s = message.created_at_s.min(seconds(now_ms));
                // To the end of that second, or an answer from its beginning would be newer.
                let end_ms = i64::try_from(since_s).map_or(now_ms, |s| s * 1_000 + 999);
                follows.learn(user, true, Some(since_s), end_ms.min(now_ms));
            }
            // Who scans or writes follows, perhaps for longer than this process has listened.
            (Deed::Subscribe | Deed::Scan | Deed::Text(_), Mode::Unionid) => {
                return Ok(events.unionids.ask(openid));
            }
            (Deed::Scan | Deed::Text(_), Mode::Service | Mode::Link)
            | (Deed::Subscribe | Deed::Scan | Deed::Text(_), Mode::Token | Mode::Demo)
            | (Deed::Other, _) => {}
        }
        Ok(true)
    }

    /// Whether this user's identity is new, as far as is known.
    pub(super) async fn is_fresh(&self, message: &Message, now_ms: i64) -> bool {
        let user = self.pseudonyms.voter(message.from.as_bytes());
        let known = self.wechat.follows.known(user, now_ms).await.ok().flatten();
        let since_s = known.and_then(|known| known.since_s);
        since_s.is_some_and(|since_s| seconds(now_ms).saturating_sub(since_s) < FRESH_S)
    }
}

const fn kind(deed: &Deed) -> EventKind {
    match deed {
        Deed::Subscribe => EventKind::Subscribe,
        Deed::Unsubscribe => EventKind::Unsubscribe,
        Deed::Scan => EventKind::Scan,
        Deed::Text(_) => EventKind::Text,
        Deed::Other => EventKind::Other,
    }
}

/// The answer to WeChat: a message to the user, or nothing, which ends the matter.
fn replied(message: &Message, reply: Reply) -> Response<Body> {
    match reply.text {
        Some(text) => told("application/xml; charset=utf-8", message.reply(&text, reply.at_s)),
        None => told("text/plain; charset=utf-8", String::new()),
    }
}

fn told(content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::fixed(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
