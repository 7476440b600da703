//! The way to WeChat's authorization: the redirect, with one half of the sign-in in a cookie.
//!
//! Invariant: WeChat sends voters back to one address, which is made of what the operator gave;
//! nothing of a request is in it. Never here: a redirect to where a request says.

use ballot::Mode;
use hyper::Response;
use hyper::http::request::Parts;
use journal::Journal;

use super::login_state::Login;
use super::{cookie, parameter, private, seconds, sign_ins_end_s, to_page, with_cookie};
use crate::edge::{Shared, redirect};
use crate::hosted::Hosted;
use crate::metrics::SignInOutcome as Outcome;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::Body;
use crate::wechat::{Scope, WeChat};

/// Where WeChat sends voters back to.
const CALLBACK: &str = "/auth/wechat/callback";

/// Sends a voter to WeChat.
pub(super) fn answer<J: Journal>(
    edge: &Shared<J>,
    parts: &Parts,
) -> Result<Response<Body>, Refusal> {
    let id = parameter(parts, "campaign").ok_or(Problem::UnknownCampaign)?;
    let hosted = edge.campaign(&id)?;
    if !hosted.voting()?.sign_in.mode.authorizes() {
        return Err(Problem::WrongIdentityMode.into());
    }
    let now_ms = edge.clock.now_ms();
    if sign_ins_end_s(hosted, now_ms).is_none() {
        return Ok(told(edge, hosted, Outcome::Expired));
    }
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| Problem::Overloaded)?;
    let login = Login::new(&hosted.given.campaign.id, nonce, seconds(now_ms));
    authorize(edge, hosted, &login)
}

/// Sends a voter to WeChat with this sign-in.
pub(super) fn authorize<J: Journal>(
    edge: &Shared<J>,
    hosted: &Hosted<J>,
    login: &Login,
) -> Result<Response<Body>, Refusal> {
    let now_ms = edge.clock.now_ms();
    let Some((service, public_url)) = service(hosted).zip(edge.site.public_url.as_deref()) else {
        let why = "no service account or no public URL is set up";
        hosted.callbacks.alarm().raise(now_ms, &hosted.given.campaign.id, &why);
        return Ok(told(edge, hosted, Outcome::Failed));
    };
    let state = hosted.with_keys(|keys| login.state(keys))?;
    let url = service.authorize_url(&format!("{public_url}{CALLBACK}"), &state, scope(hosted));
    let left_s = login.left_s(seconds(now_ms)).unwrap_or(0);
    let cookie = cookie::login(&login.cookie(), left_s, edge.site.is_secure());
    Ok(with_cookie(private(redirect(&url)), cookie))
}

/// The account that authorizes.
pub(super) fn service<J: Journal>(hosted: &Hosted<J>) -> Option<&WeChat> {
    let sign_in = &hosted.voting().ok()?.sign_in;
    match sign_in.mode {
        Mode::Service | Mode::Unionid => sign_in.wechat.as_ref()?.service.as_ref(),
        Mode::Link | Mode::Token | Mode::Demo => None,
    }
}

/// What WeChat has to tell of a voter: no more than the campaign knows them by.
fn scope<J: Journal>(hosted: &Hosted<J>) -> Scope {
    match hosted.given.voting.as_ref().map(|voting| voting.sign_in.mode) {
        Some(Mode::Unionid) => Scope::Unionid,
        Some(Mode::Service | Mode::Link | Mode::Token | Mode::Demo) | None => Scope::Openid,
    }
}

/// Sends a voter to the page with word of what became of the sign-in, and counts it.
pub(super) fn told<J: Journal>(
    edge: &Shared<J>,
    hosted: &Hosted<J>,
    outcome: Outcome,
) -> Response<Body> {
    let id = &hosted.given.campaign.id;
    edge.requests.sign_ins.count(id, outcome);
    to_page(id, outcome)
}
