//! What answers are made of: WeChat's JSON under its `text/plain`, pages, redirects.
//!
//! Invariant: an error is told under the status 200, as WeChat does. Never here: which answer.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, SET_COOKIE,
};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::errcode::errmsg;
use crate::person::Person;

pub(crate) type Reply = Response<Full<Bytes>>;

/// No scripts, nothing from elsewhere; forms come here.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// An answer of WeChat's interface for servers.
pub(crate) fn told(value: &Value) -> Reply {
    with_type(value.to_string(), "text/plain")
}

/// An error of WeChat's interface for servers.
pub(crate) fn error(code: i32) -> Reply {
    // The real id of a request is of hexadecimal digits too; nothing depends on it.
    let errmsg = format!("{}, rid: 00000000-00000000-00000000", errmsg(code));
    told(&json!({ "errcode": code, "errmsg": errmsg }))
}

/// What a gateway says in place of an answer.
pub(crate) fn garbage(status: u16) -> Reply {
    let mut reply = html("<html><body><h1>Bad Gateway</h1></body></html>".to_owned());
    *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    reply
}

/// A page.
pub(crate) fn html(page: String) -> Reply {
    let mut reply = with_type(page, "text/html; charset=utf-8");
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// Sends a browser elsewhere; none if that cannot be told in a header.
pub(crate) fn redirect(status: StatusCode, to: &str) -> Option<Reply> {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply.headers_mut().insert(LOCATION, HeaderValue::from_str(to).ok()?);
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(reply)
}

/// Has the browser come back as this person, or as somebody new.
pub(crate) fn with_cookie(mut reply: Reply, person: Option<&Person>) -> Reply {
    let age_s = if person.is_some() { 31_536_000 } else { 0 };
    let pair = person.map_or_else(|| format!("{}=", crate::person::COOKIE), Person::cookie);
    let cookie = format!("{pair}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    reply
}

/// Nothing but a status.
pub(crate) fn bare(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
}

/// The same under another `Content-Type`.
pub(crate) fn retyped(mut reply: Reply, content_type: &'static str) -> Reply {
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

fn with_type(body: String, content_type: &'static str) -> Reply {
    retyped(Response::new(Full::from(body)), content_type)
}
