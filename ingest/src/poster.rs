//! The poster of a campaign: one A4 sheet of SVG with the code that a voter scans.
//!
//! It prints from any browser, in black and white too, with whatever fonts the reader has: no text
//! is placed by a font's own measures, so every line is given more room than it needs. Invariant:
//! nothing leaves the sheet, and nothing comes nearer to the code than its quiet zone, however long
//! a campaign's texts are. Never here: a script, a font, a `style` attribute, or a text that has
//! not been escaped.

mod code;
mod draw;
mod sheet;
#[cfg(test)]
mod tests;
mod text;
mod when;
mod words;

use ballot::Campaign;

use crate::language::Language;
use code::{Code, Use};
pub use draw::STYLE;
use sheet::Sheet;
use words::Words;

/// The language of a poster. A campaign's own texts stay as its organiser wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// Simplified.
    Chinese,
    /// For readers who do not read Chinese.
    English,
}

impl Lang {
    /// Its tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::Chinese => Self::Chinese,
            Language::English => Self::English,
        }
    }
}

/// The poster as an SVG document of 210 × 297 mm.
///
/// `public_url` is the origin that voters see. With a channel, the code counts its scans and the
/// foot of the sheet names it; whether the campaign has such a channel is for the caller to know.
/// The place of the code stays empty if no code can hold the address, which takes 2,900 bytes.
#[must_use]
pub fn poster(campaign: &Campaign, public_url: &str, channel: Option<&str>, lang: Lang) -> String {
    let address = address(campaign, public_url);
    let target = match channel {
        Some(channel) => format!("{address}?c={channel}"),
        None => address.clone(),
    };
    let words = Words::new(campaign, (&address, &target), channel, lang);
    let sheet = Sheet::new(&words, Code::of(&target, Use::Print));
    draw::svg(&sheet, &words, lang)
}

/// The code of an address as lines for a terminal, dark on light whatever the terminal's colours
/// are. Empty if no code can hold it.
#[must_use]
pub fn terminal(url: &str) -> String {
    Code::of(url, Use::Screen).map_or_else(String::new, |code| code.lines())
}

/// The voting page's address.
fn address(campaign: &Campaign, public_url: &str) -> String {
    format!("{}/campaigns/{}", public_url.trim_end_matches('/'), campaign.id)
}
