//! A campaign's poster at its address, for whoever prints it.
//!
//! Never here: a code for a channel that the campaign does not list, or for an origin that nobody
//! gave.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Response;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use journal::Journal;
use sha2::{Digest as _, Sha256};

use crate::edge::Shared;
use crate::pages;
use crate::poster::{STYLE, poster};
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::Body;

/// Nothing but the poster's own style, by its hash.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("ASCII without line ends")
});

/// Answers with the poster of a campaign, or of one of its channels by `?channel=`.
pub(crate) fn answer<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    parts: &Parts,
) -> Result<Response<Body>, Refusal> {
    let hosted = edge.campaign(id)?;
    hosted.voting()?;
    let public_url = edge.site.public_url.as_deref().ok_or_else(|| {
        Problem::UnknownRoute.because(
            "There is no poster: this server was not told the address that voters see.",
            "暂无海报：服务器尚未设置投票页面的公开网址。",
        )
    })?;
    let campaign = hosted.campaign();
    let channel = channel(parts);
    if let Some(channel) = channel
        && !campaign.channels.iter().any(|listed| listed == channel)
    {
        return Err(Problem::UnknownRoute
            .because("The campaign has no channel of this name.", "本活动没有这个渠道的海报。"));
    }
    let svg = poster(&campaign, public_url, channel, pages::language(parts).into());
    let mut response = Response::new(Body::fixed(svg));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/svg+xml; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    Ok(response)
}

fn channel(parts: &Parts) -> Option<&str> {
    let mut pairs = parts.uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix("channel="))
}
