//! A campaign's posters at their addresses, for whoever prints them.
//!
//! Invariant: each is made once, when somebody first asks for it, and belongs to the texts it was
//! made of; answers share its bytes. Never here: a code for a channel that the campaign does not
//! list, or for an origin that nobody gave.

use std::sync::{LazyLock, OnceLock};

use ballot::Campaign;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Response;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use journal::Journal;
use sha2::{Digest as _, Sha256};

use crate::edge::Shared;
use crate::language::Language;
use crate::pages::{self, Document};
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

/// One sheet in both languages.
type Sheet = [OnceLock<Document>; 2];

/// The posters of a campaign with the texts it has now: one for each of its channels, and before
/// them the one that names none.
#[derive(Debug)]
pub(crate) struct Posters {
    campaign: Campaign,
    sheets: Box<[Sheet]>,
}

impl Posters {
    /// None is made yet: a poster takes a millisecond, and most are never asked for.
    pub(crate) fn of(campaign: Campaign) -> Self {
        let sheets = (0..=campaign.channels.len()).map(|_| Sheet::default()).collect();
        Self { campaign, sheets }
    }

    /// The poster of a channel, or of none; nothing if the campaign does not list the channel.
    fn find(
        &self,
        public_url: &str,
        channel: Option<&str>,
        language: Language,
    ) -> Option<&Document> {
        let place = match channel {
            Some(channel) => {
                1 + self.campaign.channels.iter().position(|listed| listed == channel)?
            }
            None => 0,
        };
        let [chinese, english] = self.sheets.get(place)?;
        let made = match language {
            Language::Chinese => chinese,
            Language::English => english,
        };
        Some(made.get_or_init(|| {
            let svg = poster(&self.campaign, public_url, channel, language.into());
            Document::poster(svg, language, &POLICY)
        }))
    }
}

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
    let posters = hosted.posters();
    let poster = posters.find(public_url, channel(parts), pages::language(parts));
    let poster = poster.ok_or_else(|| {
        Problem::UnknownRoute
            .because("The campaign has no channel of this name.", "本活动没有这个渠道的海报。")
    })?;
    Ok(poster.answer(&parts.headers))
}

fn channel(parts: &Parts) -> Option<&str> {
    let mut pairs = parts.uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix("channel="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poster_is_made_once_for_each_channel_and_language() {
        let text = "id = \"c\"\ntitle = \"A\"\nzone = \"UTC\"\nchannels = [\"metro\", \"bus\"]\n\
                    opens_at = 2026-01-01T00:00:00\ncloses_at = 2026-01-02T00:00:00\n\
                    choices_per_ballot_max = 1\n[[choices]]\nnumber = 1\ntitle = \"T\"\n";
        let posters = Posters::of(Campaign::parse(text).unwrap());
        let url = "https://vote.example";
        let mut seen: Vec<&Document> = Vec::new();
        for channel in [None, Some("metro"), Some("bus")] {
            for language in [Language::Chinese, Language::English] {
                let found = posters.find(url, channel, language).unwrap();
                assert!(seen.iter().all(|other| other.plain() != found.plain()), "{channel:?}");
                seen.push(found);
                // The very bytes, not others like them.
                let again = posters.find(url, channel, language).unwrap();
                assert_eq!(again.plain().as_ptr(), found.plain().as_ptr());
            }
        }
        assert!(posters.find(url, Some("tram"), Language::Chinese).is_none());
    }
}
