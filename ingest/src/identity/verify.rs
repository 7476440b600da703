//! The file by which WeChat sees that a domain is the organiser's: it asks for it once, when the
//! domain is entered at an account.
//!
//! Invariant: only the file that the keys of a campaign here have is there. Never here: anything of
//! an answer that was not configured.

use hyper::Response;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use journal::Journal;

use crate::edge::Shared;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::Body;

/// Answers with the file of this name, if it is that of a campaign here.
pub(super) fn answer<J: Journal>(edge: &Shared<J>, name: &str) -> Result<Response<Body>, Refusal> {
    let mut texts = edge.campaigns.iter().filter_map(|hosted| {
        let wechat = hosted.voting().ok()?.sign_in.wechat.as_ref()?;
        wechat.verify.as_deref()
    });
    let text = texts.find(|text| *text == name).ok_or(Problem::UnknownRoute)?;
    let mut response = Response::new(Body::fixed(text.to_owned()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
