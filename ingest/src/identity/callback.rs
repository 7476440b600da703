//! Back from WeChat: the code of a voter, exchanged for who they are.
//!
//! Invariant: nobody is signed in but the browser that set out, nothing is asked of WeChat before
//! the two halves of the sign-in hold together, a sign-in has one code exchanged, and every answer
//! leads to the page of a campaign that is served here, or to WeChat. Never here: an identity, or a
//! code in a log.

use std::net::IpAddr;

use hyper::Response;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use journal::Journal;

use super::login::{authorize, begun, told};
use super::login_state::{Login, names};
use super::once::{Back, Verdict};
use super::prove::Proof;
use super::{parameter, seconds, sign_ins_end_s, to_page, voter_cookie, with_cookie};
use crate::caller::{self, Prefix};
use crate::edge::Shared;
use crate::hosted::Hosted;
use crate::metrics::SignInOutcome as Outcome;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::Body;

/// WeChat's codes have 32 characters.
const CODE_CHARS_MAX: usize = 512;

/// Answers a voter who comes back.
pub(super) async fn answer<J: Journal>(
    edge: &Shared<J>,
    parts: &Parts,
    peer: Option<IpAddr>,
) -> Result<Response<Body>, Refusal> {
    let now_ms = edge.clock.now_ms();
    let state = parameter(parts, "state").unwrap_or_default();
    let Some((hosted, place, login)) = set_out(edge, &parts.headers, &state) else {
        let lost = lost(edge, &state).ok_or(Problem::UnknownRoute)?;
        return Ok(told(edge, lost, None, Outcome::Expired));
    };
    let language = login.language;
    let Some(code) = parameter(parts, "code").filter(|code| !code.is_empty()) else {
        return Ok(told(edge, hosted, language, Outcome::Refused));
    };
    let is_code = code.len() <= CODE_CHARS_MAX && code.bytes().all(|byte| byte.is_ascii_graphic());
    let Some(expires_at_s) = sign_ins_end_s(hosted, now_ms).filter(|_| is_code) else {
        return Ok(told(edge, hosted, language, Outcome::Expired));
    };
    let again = login.begun_again();
    let Some(proof) = Proof::new(edge, hosted, expires_at_s, again.is_some()) else {
        return Ok(told(edge, hosted, language, Outcome::Failed));
    };
    let from = caller::address(&edge.site, peer, &parts.headers).map(Prefix::of);
    let find = || edge.abuse.may_exchange(from).then(|| proof.of(code.clone().into_owned()));
    let verdict = hosted.callbacks.once(Back::new(&login, &code), now_ms, find).await;
    let id = &hosted.given.campaign.id;
    match (verdict, again) {
        (Err(outcome), _) => Ok(told(edge, hosted, language, outcome)),
        (Ok(Verdict::Again), Some(again)) => authorize(edge, hosted, (place, &again)),
        (Ok(Verdict::Again), None) => Ok(to_page(id, language, Outcome::Expired)),
        (Ok(Verdict::Told(outcome)), _) => Ok(to_page(id, language, outcome)),
        (Ok(Verdict::Signed(token, outcome)), _) => {
            let text = hosted.with_keys(|keys| keys.mint(&token))?;
            let cookie = voter_cookie(edge, hosted, (&token, &text));
            Ok(with_cookie(to_page(id, language, outcome), cookie))
        }
    }
}

/// The sign-in that this browser set out with, of those that it has on their way, and its place:
/// the one that the state belongs to, if it still holds.
fn set_out<'a, J: Journal>(
    edge: &'a Shared<J>,
    headers: &HeaderMap,
    state: &str,
) -> Option<(&'a Hosted<J>, usize, Login)> {
    let now_s = seconds(edge.clock.now_ms());
    begun(headers, edge.site.is_secure()).iter().enumerate().find_map(|(place, begun)| {
        let begun = begun.as_ref()?;
        let hosted = edge.campaign(&begun.campaign).ok().filter(|hosted| authorizes(hosted))?;
        let login = hosted.with_keys(|keys| begun.of_state(keys, state)).ok()??;
        login.left_s(now_s).map(|_| (hosted, place, login))
    })
}

/// Where to send whoever has no sign-in that holds: to the campaign that the state names, or else
/// to one that has voters who come this way.
fn lost<'a, J: Journal>(edge: &'a Shared<J>, state: &str) -> Option<&'a Hosted<J>> {
    let mut all = edge.campaigns.iter().filter(|hosted| authorizes(hosted));
    let named = all.clone().find(|hosted| names(state, &hosted.given.campaign.id));
    named.or_else(|| all.next())
}

fn authorizes<J: Journal>(hosted: &Hosted<J>) -> bool {
    hosted.voting().is_ok_and(|voting| voting.sign_in.mode.authorizes())
}
