//! Back from WeChat: the code of a voter, exchanged for who they are.
//!
//! Invariant: nobody is signed in but the browser that set out, nothing is asked of WeChat before
//! the two halves of the sign-in hold together, and every answer leads to the page of a campaign
//! that is served here, or to WeChat. Never here: an identity, or a code in a log.

use hyper::Response;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use journal::Journal;

use super::login::{authorize, told};
use super::login_state::{Login, names};
use super::once::Verdict;
use super::prove::Proof;
use super::{cookie, parameter, seconds, sign_ins_end_s, to_page, voter_cookie, with_cookie};
use crate::edge::Shared;
use crate::hosted::{Hosted, cookie as cookie_value};
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
) -> Result<Response<Body>, Refusal> {
    let now_ms = edge.clock.now_ms();
    let state = parameter(parts, "state").unwrap_or_default();
    let Some((hosted, login)) = set_out(edge, &parts.headers, &state) else {
        let lost = lost(edge, &state).ok_or(Problem::UnknownRoute)?;
        return Ok(told(edge, lost, Outcome::Expired));
    };
    let Some(code) = parameter(parts, "code").filter(|code| !code.is_empty()) else {
        return Ok(told(edge, hosted, Outcome::Refused));
    };
    let is_code = code.len() <= CODE_CHARS_MAX && code.bytes().all(|byte| byte.is_ascii_graphic());
    let Some(expires_at_s) = sign_ins_end_s(hosted, now_ms).filter(|_| is_code) else {
        return Ok(told(edge, hosted, Outcome::Expired));
    };
    let again = login.begun_again();
    let Some(proof) = Proof::new(edge, hosted, expires_at_s, again.is_some()) else {
        return Ok(told(edge, hosted, Outcome::Failed));
    };
    // The sign-in in place of the state: it is written in one way only.
    let key = blake3::hash(format!("{} {code}", login.cookie()).as_bytes());
    let verdict = hosted.callbacks.once(key, now_ms, || proof.of(code.into_owned())).await;
    let id = &hosted.given.campaign.id;
    match (verdict, again) {
        (None, _) => Ok(told(edge, hosted, Outcome::Busy)),
        (Some(Verdict::Again), Some(again)) => authorize(edge, hosted, &again),
        (Some(Verdict::Again), None) => Ok(to_page(id, Outcome::Expired)),
        (Some(Verdict::Told(outcome)), _) => Ok(to_page(id, outcome)),
        (Some(Verdict::Signed(token, outcome)), _) => {
            let text = hosted.with_keys(|keys| keys.mint(&token))?;
            let cookie = voter_cookie(edge, hosted, (&token, &text));
            Ok(with_cookie(to_page(id, outcome), cookie))
        }
    }
}

/// The sign-in that this browser set out with, if the state belongs to it and it still holds.
fn set_out<'a, J: Journal>(
    edge: &'a Shared<J>,
    headers: &HeaderMap,
    state: &str,
) -> Option<(&'a Hosted<J>, Login)> {
    let login = cookie_value(headers, cookie::LOGIN).and_then(Login::read)?;
    let hosted = edge.campaign(&login.campaign).ok().filter(|hosted| authorizes(hosted))?;
    let login = hosted.with_keys(|keys| login.of_state(keys, state)).ok()??;
    login.left_s(seconds(edge.clock.now_ms()))?;
    Some((hosted, login))
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
