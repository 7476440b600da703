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
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ballot::{Campaign, Mode};
use hyper::Response;
use hyper::header::{ACCEPT_LANGUAGE, HeaderMap};
use hyper::http::request::Parts;

use crate::language::Language;
use crate::server::Body;
pub(crate) use dates::MONTHS;
pub(crate) use document::Document;
pub(crate) use index::index;

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

/// The language to answer in: `?lang=`, else the preferred one, Chinese where none is asked for.
pub(crate) fn language(parts: &Parts) -> Language {
    let mut pairs = parts.uri.query().unwrap_or_default().split('&');
    match pairs.find_map(|pair| pair.strip_prefix("lang=")) {
        Some("zh" | "zh-CN") => Language::Chinese,
        Some("en") => Language::English,
        Some(_) | None if names_english(&parts.headers) => Language::of(&parts.headers),
        Some(_) | None => Language::Chinese,
    }
}

/// Whether English is asked for at all: where it is not, `Language::of` answers with it too.
fn names_english(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_LANGUAGE).into_iter();
    let mut ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    ranges.any(|range| range.trim().get(..2).is_some_and(|tag| tag.eq_ignore_ascii_case("en")))
}
