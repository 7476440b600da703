//! Signing in without WeChat's authorization: as anybody, with a token that another system made, or
//! with a link that the account sent.
//!
//! Invariant: what the campaign's mode does not take signs nobody in, no other website may sign its
//! visitors in here, and who is signed in becomes somebody else only by their own word: anybody may
//! pass on a link that has a token of theirs in it. A body means one sign-in or none. Never here: a
//! token or a link in a log.

use ballot::{Mode, Token, VoterId};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::{Response, StatusCode};
use journal::Journal;
use serde::{Deserialize, Deserializer};

use super::{Linked, private, sign_ins_end_s, voter_cookie, with_cookie};
use crate::ballots::{is_encoded, is_json};
use crate::edge::Shared;
use crate::hosted::Hosted;
use crate::metrics::SignInOutcome as Outcome;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::{Body, read_body_if};
use crate::site::Site;

/// `{"link":"…"}` with room to spare.
const BODY_BYTES_MAX: usize = 1_024;
/// What of the parser's words goes into an answer at most.
const REASON_CHARS_MAX: usize = 120;

/// What was sent.
enum Sent {
    Demo,
    Token(String),
    Link(String),
}

/// As it is written: one of the first three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default, deserialize_with = "there")]
    demo: Option<bool>,
    #[serde(default, deserialize_with = "there")]
    token: Option<String>,
    #[serde(default, deserialize_with = "there")]
    link: Option<String>,
    /// Whether the voter wants to be this one, whoever they are.
    #[serde(default)]
    replace: bool,
}

/// What is there is no `null`.
fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl Sent {
    /// The sign-in, and whether it is to replace another voter's.
    fn parse(body: &[u8]) -> Result<(Self, bool), String> {
        // A list could stand for the fields, too.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err("it is not an object".to_owned());
        }
        let short = |error: serde_json::Error| -> String {
            error.to_string().chars().take(REASON_CHARS_MAX).collect()
        };
        let Fields { demo, token, link, replace } = serde_json::from_slice(body).map_err(short)?;
        match (demo, token, link) {
            (Some(true), None, None) if !replace => Ok((Self::Demo, false)),
            (None, Some(token), None) => Ok((Self::Token(token), replace)),
            (None, None, Some(link)) => Ok((Self::Link(link), replace)),
            (Some(_), None, None) => Err("demo is true, and replaces nobody".to_owned()),
            _ => Err("it has one of demo, token and link".to_owned()),
        }
    }

    const fn mode(&self) -> Mode {
        match self {
            Self::Demo => Mode::Demo,
            Self::Token(_) => Mode::Token,
            Self::Link(_) => Mode::Link,
        }
    }
}

/// Signs a voter in, or says why not.
pub(super) async fn answer<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    (headers, body): (&HeaderMap, Incoming),
) -> Result<Response<Body>, Refusal> {
    let hosted = edge.campaign(id)?;
    let sign_in = &hosted.voting()?.sign_in;
    if is_foreign(headers, &edge.site) {
        return Err(Problem::CrossSite.into());
    }
    if !is_json(headers) || is_encoded(headers) {
        return Err(Problem::UnsupportedMediaType.because(
            "A sign-in is sent as application/json, without a content encoding.",
            "登录信息须以未压缩的 application/json 格式提交。",
        ));
    }
    let body_bytes_max = BODY_BYTES_MAX.min(edge.limits.body_bytes_max);
    let may_wait =
        || edge.session_bodies.try_acquire().map_err(|_| Refusal::from(Problem::Overloaded));
    let body = read_body_if(body, body_bytes_max, edge.limits.body_timeout, may_wait).await?;
    let (sent, replace) = Sent::parse(&body).map_err(|reason| malformed(&reason))?;
    if sent.mode() != sign_in.mode {
        return Err(Problem::WrongIdentityMode.into());
    }
    let now_ms = edge.clock.now_ms();
    let signed_in = if replace { None } else { hosted.signed_in(headers, now_ms) };
    let is_other = |voter| signed_in.is_some_and(|known| known != voter);
    let signed = match sent {
        Sent::Demo => anybody(hosted, headers, now_ms),
        Sent::Token(text) => by_token(hosted, text, now_ms, is_other),
        Sent::Link(text) => by_link(hosted, &text, now_ms, is_other),
    };
    // That there is a question is no outcome yet.
    if signed.as_ref().is_err_and(|refusal| refusal.problem == Problem::AlreadySignedIn) {
        return Err(Problem::AlreadySignedIn.into());
    }
    edge.requests.sign_ins.count(id, signed.as_ref().map_or_else(outcome, |_| Outcome::Ok));
    let (token, text) = signed?;
    let mut response = private(Response::new(Body::empty()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(with_cookie(response, voter_cookie(edge, hosted, (&token, &text))))
}

const fn outcome(refusal: &Refusal) -> Outcome {
    if matches!(refusal.problem, Problem::Unauthenticated | Problem::LinkUsed | Problem::Closed) {
        Outcome::Expired
    } else if matches!(refusal.problem, Problem::Overloaded) {
        Outcome::Busy
    } else {
        Outcome::Failed
    }
}

/// A new voter, or the one that this browser has been: nobody becomes two by pressing twice.
fn anybody<J: Journal>(
    hosted: &Hosted<J>,
    headers: &HeaderMap,
    now_ms: i64,
) -> Result<(Token, String), Refusal> {
    let expires_at_s = sign_ins_end_s(hosted, now_ms).ok_or(Problem::Closed)?;
    let token = match hosted.token(headers, now_ms) {
        Ok(known) => Token { expires_at_s: known.expires_at_s.max(expires_at_s), ..known },
        Err(_) => {
            let pseudonyms = hosted.voting()?.sign_in.pseudonyms.as_ref();
            let pseudonyms = pseudonyms.ok_or(Problem::WrongIdentityMode)?;
            let mut nobody = [0; 16];
            getrandom::fill(&mut nobody).map_err(|_| Problem::Overloaded)?;
            let voter = pseudonyms.voter(&nobody);
            Token { voter, follower: true, fresh: true, expires_at_s }
        }
    };
    Ok((token, hosted.with_keys(|keys| keys.mint(&token))?))
}

fn by_token<J: Journal>(
    hosted: &Hosted<J>,
    text: String,
    now_ms: i64,
    is_other: impl FnOnce(VoterId) -> bool,
) -> Result<(Token, String), Refusal> {
    let token = hosted.check(text.as_bytes(), now_ms)?;
    if is_other(token.voter) { Err(Problem::AlreadySignedIn.into()) } else { Ok((token, text)) }
}

fn by_link<J: Journal>(
    hosted: &Hosted<J>,
    link: &str,
    now_ms: i64,
    is_other: impl FnOnce(VoterId) -> bool,
) -> Result<(Token, String), Refusal> {
    let wechat = hosted.voting()?.sign_in.wechat.as_ref().ok_or(Problem::WrongIdentityMode)?;
    let expires_at_s = sign_ins_end_s(hosted, now_ms).ok_or(Problem::Closed)?;
    let looked = hosted.with_keys(|keys| wechat.links.look(keys, link, now_ms))?;
    if is_other(looked.map_err(Problem::from)?) {
        // It is as it was, for when the voter says so.
        return Err(Problem::AlreadySignedIn.into());
    }
    let linked = hosted.with_keys(|keys| wechat.links.redeem(keys, link, now_ms))?;
    let Linked { voter, follower, fresh } = linked.map_err(Problem::from)?;
    let token = Token { voter, follower, fresh, expires_at_s };
    Ok((token, hosted.with_keys(|keys| keys.mint(&token))?))
}

/// Whether another website had the browser send this. Programs send none of these headers, and a
/// page of another site cannot choose them.
fn is_foreign(headers: &HeaderMap, site: &Site) -> bool {
    let fetches = || headers.get_all("sec-fetch-site").into_iter();
    if fetches().next().is_some() && fetches().all(|from| from == "same-origin") {
        return false;
    }
    if fetches().any(|from| from == "cross-site") {
        return true;
    }
    let own = |origin: &HeaderValue| {
        // What it says of itself; a page of another site has its own origin, whatever it asks for.
        let is_of_host = || {
            let host = headers.get(HOST).map(HeaderValue::as_bytes);
            let origin = origin.as_bytes();
            let authority = origin.strip_prefix(b"http://").or(origin.strip_prefix(b"https://"));
            host.is_some() && authority == host
        };
        site.public_url.as_deref().is_some_and(|own| origin == own) || is_of_host()
    };
    !headers.get_all(ORIGIN).into_iter().all(own)
}

fn malformed(reason: &str) -> Refusal {
    Problem::MalformedRequest.because(
        format!("This sign-in could not be read: {reason}."),
        format!("登录信息格式有误，无法读取：{reason}。"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_sign_in_or_none() {
        let parse = |body: &str| Sent::parse(body.as_bytes());
        assert!(matches!(parse(" {\"demo\": true}\n"), Ok((Sent::Demo, false))));
        assert!(
            matches!(parse("{\"token\":\"t\"}"), Ok((Sent::Token(text), false)) if text == "t")
        );
        assert!(matches!(parse("{\"link\":\"l\"}"), Ok((Sent::Link(text), false)) if text == "l"));
        for (replace, expected) in [("true", true), ("false", false)] {
            let body = format!("{{\"replace\":{replace},\"token\":\"t\"}}");
            assert!(parse(&body).is_ok_and(|(_, replace)| replace == expected), "{body}");
        }
        for body in [
            "",
            "{}",
            "[]",
            "\"demo\"",
            "{\"demo\":false}",
            "{\"demo\":1}",
            "{\"demo\":true,\"token\":\"t\"}",
            "{\"demo\":true,\"demo\":true}",
            "{\"demo\":true,}",
            "{\"demo\":true} x",
            "{\"token\":null}",
            "{\"token\":[\"t\"]}",
            "{\"Demo\":true}",
            "{\"voter\":\"t\"}",
            "[true]",
            "[null,\"t\"]",
            "{\"replace\":true}",
            "{\"demo\":true,\"replace\":true}",
            "{\"token\":\"t\",\"replace\":1}",
            "{\"token\":\"t\",\"replace\":null}",
            "{\"token\":\"t\",\"link\":\"l\"}",
        ] {
            let reason = parse(body).err();
            assert!(reason.is_some_and(|reason| reason.chars().count() <= 120), "{body}");
        }
        let long = format!("{{\"{}\":1}}", "é".repeat(400));
        assert_eq!(parse(&long).err().map(|reason| reason.chars().count()), Some(120));
    }

    #[test]
    fn only_what_another_website_had_sent_is_foreign() {
        let site = Site { public_url: Some("https://v.example".to_owned()), ..Site::default() };
        for (expected, sent) in [
            (false, vec![]),
            (false, vec![("origin", "https://v.example")]),
            (false, vec![("origin", "http://127.0.0.1:8"), ("host", "127.0.0.1:8")]),
            (false, vec![("sec-fetch-site", "same-origin"), ("origin", "https://localhost:8")]),
            (false, vec![("sec-fetch-site", "none")]),
            (true, vec![("sec-fetch-site", "cross-site")]),
            (true, vec![("sec-fetch-site", "cross-site"), ("origin", "https://v.example")]),
            (true, vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]),
            (true, vec![("sec-fetch-site", "same-site"), ("origin", "https://w.example")]),
            (true, vec![("origin", "https://w.example")]),
            (true, vec![("origin", "https://v.example.org"), ("host", "v.example")]),
            (true, vec![("origin", "https://v.example"), ("origin", "https://w.example")]),
            (true, vec![("origin", "null")]),
            (true, vec![("origin", "")]),
            (true, vec![("origin", ""), ("host", "")]),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in &sent {
                headers.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_foreign(&headers, &site), expected, "{sent:?}");
        }
    }
}
