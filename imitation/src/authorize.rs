//! `GET /connect/oauth2/authorize`: a browser is sent back with a code for its person, silently.
//!
//! Invariant: nobody is ever sent to another domain than the one that was set; whatever is wrong
//! with a link is told on a page. WeChat matches links by a pattern: the parameters must have its
//! order. `#wechat_redirect`, which it wants too, is not sent to servers and cannot be checked.

use std::borrow::Cow;

use hyper::header::{COOKIE, HeaderMap};
use hyper::{Method, StatusCode};

use crate::codes::Grant;
use crate::errcode::{BAD_APP_ID, FOREIGN_REDIRECT, NEEDS_GET, NO_SCOPE, TOO_OFTEN, errmsg};
use crate::imitation::{Imitation, State};
use crate::options::{Kind, Unionids};
use crate::page;
use crate::person::{COOKIE as OURS, Person};
use crate::reply::{Reply, html, redirect, with_cookie};

/// WeChat's bound on a state.
const STATE_BYTES_MAX: usize = 128;
/// Longer names are nobody's.
const NAME_BYTES_MAX: usize = 64;
/// In this order; more may follow.
const PARAMETERS: [&str; 5] = ["appid", "redirect_uri", "response_type", "scope", "state"];

/// Who comes with which request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Browser<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
}

/// Answers a browser.
///
/// # Errors
/// An errcode, for the page that says what is wrong.
pub(crate) fn call(imitation: &Imitation, by: Browser<'_>, query: &str) -> Result<Reply, i32> {
    if by.method != Method::GET && by.method != Method::HEAD {
        return Err(NEEDS_GET);
    }
    let given: Vec<(Cow<'_, str>, Cow<'_, str>)> =
        form_urlencoded::parse(query.as_bytes()).collect();
    let names = given.iter().take(PARAMETERS.len()).map(|(name, _)| name.as_ref());
    if !names.eq(PARAMETERS) {
        return Err(NO_SCOPE);
    }
    let value = |place: usize| given.get(place).map_or("", |(_, value)| value.as_ref());
    let (uri, scope, state) = (value(1), value(3), value(4));
    let kind = imitation.kind(value(0)).ok_or(BAD_APP_ID)?;
    let is_scope = scope == "snsapi_base" || scope == "snsapi_userinfo";
    let is_state =
        state.len() <= STATE_BYTES_MAX && state.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if kind != Kind::Service || value(2) != "code" || !is_scope || !is_state {
        return Err(NO_SCOPE);
    }
    if authority(uri) != Some(imitation.state().redirect_domain.as_str()) {
        return Err(FOREIGN_REDIRECT);
    }
    let person = person(imitation, by.headers).ok_or(TOO_OFTEN)?;
    let now_ms = imitation.now_ms();
    let code = code(&mut imitation.state(), person.name(), scope, now_ms);
    let added = code.map_or_else(String::new, |code| format!("code={code}&"));
    let back = with_query(uri, &format!("{added}state={state}"));
    let reply = redirect(StatusCode::FOUND, &back).ok_or(FOREIGN_REDIRECT)?;
    Ok(with_cookie(reply, Some(&person)))
}

/// The page that says what is wrong with a link.
pub(crate) fn refused(code: i32) -> Reply {
    html(page::document(&format!("<p role=\"alert\">{}<br>错误码 {code}</p>", errmsg(code))))
}

/// Who the browser belongs to: whom its cookie names, or somebody new; none if there are too many.
pub(crate) fn person(imitation: &Imitation, headers: &HeaderMap) -> Option<Person> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';'));
    let value = pairs.find_map(|pair| pair.trim().strip_prefix(OURS)?.strip_prefix('='));
    // As the name of a parameter it is decoded like one.
    let name = value.and_then(|value| form_urlencoded::parse(value.as_bytes()).next());
    let known = name.map(|(name, _)| name.into_owned());
    let mut state = imitation.state();
    let name = match known {
        Some(name) if !name.is_empty() && name.len() <= NAME_BYTES_MAX => name,
        Some(_) | None => format!("browser-{}", newcomer(&mut state)),
    };
    if !state.people.knows(&name) && !state.people.takes_newcomers() {
        return None;
    }
    drop(state);
    Some(imitation.person(&name))
}

/// Not by the seed: two browsers must differ even where a restart has come between them.
fn newcomer(state: &mut State) -> String {
    getrandom::u64().map_or_else(|_| state.dice.letters(16), |number| format!("{number:016x}"))
}

/// A code for a person, unless they decline.
fn code(state: &mut State, name: &str, scope: &str, now_ms: i64) -> Option<String> {
    let person = state.people.person(name);
    if person.refuses {
        return None;
    }
    let is_snapshot = person.is_snapshot;
    let is_told = match state.unionids {
        Unionids::Told => true,
        Unionids::WithConsent => scope == "snsapi_userinfo",
        Unionids::Unbound => false,
    };
    // A virtual identity is that of somebody who exists for this one code.
    let name = if is_snapshot { state.dice.letters(32) } else { name.to_owned() };
    let openid = state.people.openid(Kind::Service, &name);
    let unionid = is_told.then(|| state.people.unionid(&name));
    let code = state.dice.letters(32);
    let grant = Grant { openid, unionid, is_snapshot, scope: scope.to_owned() };
    state.codes.add(code.clone(), grant, now_ms);
    Some(code)
}

/// What stands between the scheme and the path.
fn authority(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://"))?;
    rest.split(['/', '?', '#']).next()
}

/// A URI with more in its query, before its fragment.
fn with_query(uri: &str, more: &str) -> String {
    let (uri, fragment) = uri.split_once('#').map_or((uri, None), |(uri, it)| (uri, Some(it)));
    let joint = if uri.contains('?') { '&' } else { '?' };
    let fragment = fragment.map_or_else(String::new, |it| format!("#{it}"));
    format!("{uri}{joint}{more}{fragment}")
}
