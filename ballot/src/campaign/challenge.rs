//! What a voter has to do whose ballot comes in an unusual way: the `[challenge]` table of a
//! campaign's file.
//!
//! It decides whether a ballot is taken, never whether it counts. A captcha's secret is in the
//! campaign's keys and never here. A field that the chosen kind does not use is refused: whoever
//! wrote it meant the other kind.

use std::ops::RangeInclusive;

use toml::de::DeValue as Value;

use super::error::Problems;
use super::read::{Fields, number, text};

/// From nothing that anybody would notice to some ten minutes on a phone.
const BITS: RangeInclusive<u32> = 8..=26;
/// A quarter of a million hashes: a second on a phone of 2023.
const BITS_DEFAULT: u32 = 18;
const URL_CHARS_MAX: usize = 512;

const FIELDS: [&str; 4] = ["kind", "bits", "page_url", "verify_url"];
const KIND: &str = "give \"work\" or \"captcha\"";
const URL: &str = "give an address that begins with https:// and has no '#'";

/// What a voter has to do before an unusual ballot is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// Have their phone find a number whose hash begins with so many zero bits.
    Work {
        /// How many: one more is twice the work.
        bits: u32,
    },
    /// Solve a captcha.
    Captcha {
        /// The page where a voter solves it: the organiser's own, around a provider's.
        page_url: String,
        /// Where the provider is asked whether it was solved, in the way of `siteverify`.
        verify_url: String,
    },
}

/// The table, where it stands.
pub(super) fn challenge(
    value: &toml::Spanned<Value<'_>>,
    problems: &Problems<'_>,
) -> Option<Challenge> {
    let Some(table) = value.get_ref().as_table() else {
        let fix = format!("give a table [challenge] with its kind; {KIND}");
        problems.add(value.span(), "challenge".to_owned(), fix);
        return None;
    };
    let fields = Fields::open(table, value.span(), "challenge.".to_owned(), problems);
    fields.only(&FIELDS);
    // Every field is read before the first `?`, so that all problems are noted.
    let is_captcha = fields.require("kind", KIND, is_captcha);
    let bits = match fields.has("bits") {
        true => fields.read("bits", |value| number(value, BITS)),
        false => Some(BITS_DEFAULT),
    };
    let (page_url, verify_url) = (fields.read("page_url", url), fields.read("verify_url", url));
    let is_captcha = is_captcha?;
    let kind = if is_captcha { "captcha" } else { "work" };
    let both = [("page_url", is_captcha), ("verify_url", is_captcha)];
    for (field, is_used) in both.into_iter().chain([("bits", !is_captcha)]) {
        if is_captcha && is_used && !fields.has(field) {
            let fix = format!("is missing for a challenge of kind {kind:?}; {URL}");
            fields.wrong::<()>(field, fix);
        } else if !is_used && fields.has(field) {
            let fix = format!("has no meaning for a challenge of kind {kind:?}; remove it");
            fields.wrong::<()>(field, fix);
        }
    }
    if is_captcha {
        return Some(Challenge::Captcha { page_url: page_url?, verify_url: verify_url? });
    }
    Some(Challenge::Work { bits: bits? })
}

fn is_captcha(value: &Value<'_>) -> Result<bool, String> {
    match text(value, URL_CHARS_MAX)?.as_str() {
        "work" => Ok(false),
        "captcha" => Ok(true),
        other => Err(format!("{other:?} is neither; {KIND}")),
    }
}

/// An address to send people and secrets to: by TLS, to a host that is plain to see.
fn url(value: &Value<'_>) -> Result<String, String> {
    let url = text(value, URL_CHARS_MAX)?;
    let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?']).next());
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    let is_sound = host.is_some_and(|host| !host.is_empty() && host.chars().all(allowed))
        && url.chars().all(|c| c.is_ascii_graphic() && !"#\"<>\\".contains(c));
    if is_sound { Ok(url) } else { Err(format!("{url:?} is none; {URL}")) }
}
