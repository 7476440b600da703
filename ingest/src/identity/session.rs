//! Signing in without WeChat's authorization: as anybody, with a token that another system made, or
//! with a link that the account sent.
//!
//! Invariant: what the campaign's mode does not take signs nobody in, and no other website may sign
//! its visitors in here. A body means one sign-in or none. Never here: a token or a link in a log.

use ballot::{Mode, Token};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::{Response, StatusCode};
use journal::Journal;
use serde::Deserialize;

use super::{Linked, private, sign_ins_end_s, voter_cookie, with_cookie};
use crate::ballots::{is_encoded, is_json};
use crate::edge::Shared;
use crate::hosted::Hosted;
use crate::metrics::SignInOutcome as Outcome;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::{Body, read_body};
use crate::site::Site;

/// `{"link":"…"}` with room to spare.
const BODY_BYTES_MAX: usize = 1_024;
/// What of the parser's words goes into an answer at most.
const REASON_CHARS_MAX: usize = 120;

/// What was sent.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sent {
    Demo(bool),
    Token(String),
    Link(String),
}

impl Sent {
    fn parse(body: &[u8]) -> Result<Self, String> {
        match serde_json::from_slice(body) {
            Ok(Self::Demo(false)) => Err("demo is true or not there".to_owned()),
            Ok(sent) => Ok(sent),
            Err(error) => Err(error.to_string().chars().take(REASON_CHARS_MAX).collect()),
        }
    }

    const fn mode(&self) -> Mode {
        match self {
            Self::Demo(_) => Mode::Demo,
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
    let body = read_body(body, body_bytes_max, edge.limits.body_timeout).await?;
    let sent = Sent::parse(&body).map_err(|reason| malformed(&reason))?;
    if sent.mode() != sign_in.mode {
        return Err(Problem::WrongIdentityMode.into());
    }
    let now_ms = edge.clock.now_ms();
    let signed = match sent {
        Sent::Demo(_) => anybody(hosted, headers, now_ms),
        Sent::Token(text) => hosted.check(text.as_bytes(), now_ms).map(|token| (token, text)),
        Sent::Link(text) => by_link(hosted, &text, now_ms),
    };
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

fn by_link<J: Journal>(
    hosted: &Hosted<J>,
    link: &str,
    now_ms: i64,
) -> Result<(Token, String), Refusal> {
    let wechat = hosted.voting()?.sign_in.wechat.as_ref().ok_or(Problem::WrongIdentityMode)?;
    let expires_at_s = sign_ins_end_s(hosted, now_ms).ok_or(Problem::Closed)?;
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
        assert!(matches!(Sent::parse(b" {\"demo\": true}\n"), Ok(Sent::Demo(true))));
        assert!(matches!(Sent::parse(b"{\"token\":\"t\"}"), Ok(Sent::Token(text)) if text == "t"));
        assert!(matches!(Sent::parse(b"{\"link\":\"l\"}"), Ok(Sent::Link(text)) if text == "l"));
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
        ] {
            let reason = Sent::parse(body.as_bytes()).err();
            assert!(reason.is_some_and(|reason| reason.chars().count() <= 120), "{body}");
        }
        let long = format!("{{\"{}\":1}}", "é".repeat(400));
        assert_eq!(
            Sent::parse(long.as_bytes()).err().map(|reason| reason.chars().count()),
            Some(120)
        );
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
