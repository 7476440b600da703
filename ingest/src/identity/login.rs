//! The way to WeChat's authorization: the redirect, with one half of the sign-in in a cookie.
//!
//! Invariant: WeChat sends voters back to one address, which is made of what the operator gave;
//! nothing of a request is in it. Never here: a redirect to where a request says.

use ballot::Mode;
use hyper::Response;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use journal::Journal;

use super::login_state::Login;
use super::{cookie, parameter, private, seconds, sign_ins_end_s, to_page, with_cookie};
use crate::edge::{Shared, redirect};
use crate::hosted::{Hosted, cookie as cookie_value};
use crate::language::Language;
use crate::metrics::SignInOutcome as Outcome;
use crate::pages;
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
    let language = pages::chosen(parts).filter(|it| *it != pages::preferred(&parts.headers));
    let now_ms = edge.clock.now_ms();
    if sign_ins_end_s(hosted, now_ms).is_none() {
        return Ok(told(edge, hosted, language, Outcome::Expired));
    }
    let mut random = [0; 17];
    getrandom::fill(&mut random).map_err(|_| Problem::Overloaded)?;
    let [die, nonce @ ..] = random;
    let now_s = seconds(now_ms);
    let login = Login::new(&hosted.given.campaign.id, nonce, now_s).back_in(language);
    let begun = begun(&parts.headers, edge.site.is_secure());
    authorize(edge, hosted, (place(&begun, now_s, die), &login))
}

/// The sign-ins that a browser says it has on their way, by their places.
pub(super) fn begun(headers: &HeaderMap, is_secure: bool) -> [Option<Login>; cookie::LOGINS_MAX] {
    let begun = |place| cookie_value(headers, &cookie::login_name(place, is_secure));
    std::array::from_fn(|place| begun(place).and_then(Login::read))
}

/// The place of one more: a free one, else that of the oldest. Of several free ones the die says
/// which, so that two tabs that set out at once seldom take the same.
fn place(begun: &[Option<Login>], now_s: u64, die: u8) -> usize {
    let until_ms = |login: &Option<Login>| {
        let held = login.as_ref().filter(|login| login.left_s(now_s).is_some());
        held.map(Login::until_ms)
    };
    let first = begun.iter().map(until_ms).min().flatten();
    let such = begun.iter().enumerate().filter(|(_, login)| until_ms(login) == first);
    let such: Vec<usize> = such.map(|(place, _)| place).collect();
    such.get(usize::from(die) % such.len().max(1)).copied().unwrap_or_default()
}

/// Sends a voter to WeChat with this sign-in, which has this place in the browser.
pub(super) fn authorize<J: Journal>(
    edge: &Shared<J>,
    hosted: &Hosted<J>,
    (place, login): (usize, &Login),
) -> Result<Response<Body>, Refusal> {
    let now_ms = edge.clock.now_ms();
    let Some((service, public_url)) = service(hosted).zip(edge.site.public_url.as_deref()) else {
        let why = "no service account or no public URL is set up";
        hosted.callbacks.alarm().raise(now_ms, &hosted.given.campaign.id, &why);
        return Ok(told(edge, hosted, login.language, Outcome::Failed));
    };
    let state = hosted.with_keys(|keys| login.state(keys))?;
    let url = service.authorize_url(&format!("{public_url}{CALLBACK}"), &state, scope(hosted));
    let left_s = login.left_s(seconds(now_ms)).unwrap_or(0);
    let cookie = cookie::login(place, &login.cookie(), left_s, edge.site.is_secure());
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
    language: Option<Language>,
    outcome: Outcome,
) -> Response<Body> {
    let id = &hosted.given.campaign.id;
    edge.requests.sign_ins.count(id, outcome);
    to_page(id, language, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_takes_a_free_place_by_the_die_and_else_that_of_the_oldest() {
        let at = |now_s| Some(Login::new("c", [7; 16], now_s));
        let chosen = |begun: [Option<Login>; 4], die| place(&begun, 1_000, die);
        assert_eq!([0, 1, 2, 3, 4].map(|die| chosen([const { None }; 4], die)), [0, 1, 2, 3, 0]);
        let free = |die| chosen([at(900), None, at(901), None], die);
        assert_eq!([free(0), free(1), free(2)], [1, 3, 1]);
        assert_eq!(chosen([at(903), at(900), at(901), at(902)], 7), 1);
        // What is over, or lives for longer than any can, is no sign-in.
        assert_eq!(chosen([at(903), at(900), at(400), at(902)], 7), 2);
        assert_eq!(chosen([at(903), at(900), at(902), at(1_001)], 7), 3);
    }
}
