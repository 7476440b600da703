//! The list of a site's campaigns, where there are several.
//!
//! Made when it is asked for: few ever ask. Never here: what is in a campaign.

use askama::Template;
use ballot::Campaign;
use hyper::Response;
use hyper::http::request::Parts;

use super::assets::File;
use super::dates::{Moment, moment};
use super::document::Document;
use super::{kept, language, texts};
use crate::language::Language;
use crate::server::Body;

#[derive(Template)]
#[template(path = "index.html")]
struct Index<'a> {
    language: Language,
    base_css: String,
    page_css: String,
    icon: String,
    entries: Vec<Entry<'a>>,
    /// What of this page's query goes along to each of theirs.
    kept: String,
}

struct Entry<'a> {
    campaign: &'a Campaign,
    /// The language of its texts.
    texts: &'static str,
    opens: Moment,
    closes: Moment,
}

impl Index<'_> {
    const fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }
}

/// Answers with the list of these campaigns.
pub(crate) fn index<'a>(
    campaigns: impl IntoIterator<Item = &'a Campaign>,
    parts: &Parts,
) -> Response<Body> {
    let language = language(parts);
    let entry = |campaign: &'a Campaign| Entry {
        campaign,
        texts: texts(campaign),
        opens: moment(campaign, campaign.opens_at_ms, language, true),
        closes: moment(campaign, campaign.closes_at_ms, language, true),
    };
    let index = Index {
        language,
        base_css: File::BaseCss.href(),
        page_css: File::PageCss.href(),
        icon: File::Icon.href(),
        entries: campaigns.into_iter().map(entry).collect(),
        kept: kept(parts),
    };
    let html = index.render().expect("a template of texts always renders");
    Document::page(html, language).answer(&parts.headers)
}
