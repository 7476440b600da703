//! What people see: the voting page, the board, the list of campaigns, and their static files.
//!
//! Invariant: a page is the same bytes for everybody, per campaign and language, made once; all
//! that is personal the page asks for itself. Every text of a campaign goes through the templates'
//! escaping. Never here: a voter, a cookie, work per view beyond a look at the request's headers.

mod assets;
mod board;
mod dates;
mod document;
mod headers;
mod index;
mod page;
mod refused;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ballot::{Campaign, Mode};
use hyper::Response;
use hyper::header::{ACCEPT_LANGUAGE, HeaderMap};
use hyper::http::request::Parts;

use crate::language::Language;
use crate::scans::Scans;
use crate::server::Body;
pub(crate) use dates::MONTHS;
pub(crate) use document::Document;
pub(crate) use index::index;
pub(crate) use refused::refused;

/// The languages in the order of their place in [`Both`].
const LANGUAGES: [Language; 2] = [Language::Chinese, Language::English];

/// The same document in both languages.
type Both = [Document; 2];

/// The pages of a campaign. Clones are the same pages.
#[derive(Debug, Clone)]
pub(crate) struct Pages(Arc<Rendered>);

#[derive(Debug)]
struct Rendered {
    page: Both,
    board: Both,
}

impl Pages {
    /// The pages of a campaign whose voters are known in this way: its file's, unless the process
    /// was told another; in none where only results are shown, and then there is no way to a page
    /// that is not there.
    pub(crate) fn render(campaign: &Campaign, mode: Option<Mode>) -> Self {
        let both = |html: fn(&Campaign, Mode, Language) -> String| {
            let known = mode.unwrap_or(campaign.identity.mode);
            LANGUAGES.map(|language| Document::page(html(campaign, known, language), language))
        };
        let board = |language| board::render(campaign, mode.is_some(), language);
        let board = LANGUAGES.map(|language| Document::page(board(language), language));
        Self(Arc::new(Rendered { page: both(page::html), board }))
    }

    /// Answers with the voting page.
    pub(crate) fn page(&self, parts: &Parts) -> Response<Body> {
        answer(&self.0.page, parts)
    }

    /// Answers with the board.
    pub(crate) fn board(&self, parts: &Parts) -> Response<Body> {
        answer(&self.0.board, parts)
    }
}

/// Answers with the static file of this name, if there is one.
pub(crate) fn asset(name: &str, parts: &Parts) -> Option<Response<Body>> {
    assets::asset(name, &parts.headers)
}

fn answer(both: &Both, parts: &Parts) -> Response<Body> {
    let [chinese, english] = both;
    match language(parts) {
        Language::Chinese => chinese,
        Language::English => english,
    }
    .answer(&parts.headers)
}

/// The language to answer in: `?lang=`, else the preferred one.
pub(crate) fn language(parts: &Parts) -> Language {
    chosen(parts).unwrap_or_else(|| preferred(&parts.headers))
}

/// The language that the address asks for.
pub(crate) fn chosen(parts: &Parts) -> Option<Language> {
    let mut pairs = parts.uri.query().unwrap_or_default().split('&');
    pairs.find_map(|pair| pair.strip_prefix("lang=")).and_then(Language::named)
}

/// What of a query goes along to another address of ours, with its `?`: the channel and the
/// language, each as one of ours, and nothing else of what was sent.
pub(crate) fn kept(parts: &Parts) -> String {
    let mut kept = String::new();
    let channel = Scans::of(parts.uri.query()).map(|channel| ("c", channel));
    let language = chosen(parts).map(|language| ("lang", language.name()));
    for (name, value) in [channel, language].into_iter().flatten() {
        let joint = if kept.is_empty() { '?' } else { '&' };
        kept.extend([joint.to_string().as_str(), name, "=", value]);
    }
    kept
}

/// The language that a browser prefers, Chinese where it asks for none.
pub(crate) fn preferred(headers: &HeaderMap) -> Language {
    if names_english(headers) { Language::of(headers) } else { Language::Chinese }
}

/// The language of a campaign's own texts as `lang` has it, as far as can be seen: the file does
/// not say it. Empty, which stands for unknown, unless they are Chinese.
fn texts(campaign: &Campaign) -> &'static str {
    let titles = campaign.choices.iter().map(|choice| choice.title.as_str());
    let titles = titles.chain([campaign.title.as_str()]);
    let (mut has_han, mut has_other) = (false, false);
    for letter in titles.flat_map(str::chars) {
        has_han |= matches!(letter, '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}');
        // Kana and Hangul: what has Han characters beside them is not Chinese.
        has_other |= matches!(letter, '\u{3041}'..='\u{30FF}' | '\u{AC00}'..='\u{D7AF}');
    }
    if has_han && !has_other { Language::Chinese.tag() } else { "" }
}

/// Whether English is asked for at all: where it is not, `Language::of` answers with it too.
fn names_english(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_LANGUAGE).into_iter();
    let mut ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    ranges.any(|range| range.trim().get(..2).is_some_and(|tag| tag.eq_ignore_ascii_case("en")))
}
