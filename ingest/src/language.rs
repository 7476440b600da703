//! Which of our two languages a reader prefers, by `Accept-Language` (RFC 9110, 12.5.4).
//!
//! Never here: an error; whatever a header says, there is a language for it.

use hyper::header::{ACCEPT_LANGUAGE, HeaderMap};

/// A language that sentences are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// For programs and everybody not in China.
    English,
    /// Simplified.
    Chinese,
}

impl Language {
    /// The preferred one; English where none is asked for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut best = (0, Self::English);
        for value in headers.get_all(ACCEPT_LANGUAGE) {
            let ranges = value.to_str().unwrap_or_default().split(',');
            for (language, weight) in ranges.filter_map(range) {
                if weight > best.0 {
                    best = (weight, language);
                }
            }
        }
        best.1
    }

    /// The one that an address asks for by `lang=`, if it is one of ours.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "zh" | "zh-CN" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// As an address asks for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// Its tag.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
}

/// A range that names one of ours, and its weight in thousandths.
fn range(text: &str) -> Option<(Language, u32)> {
    let mut parts = text.split(';');
    let tag = parts.next()?.trim();
    let language = match tag.split('-').next()? {
        primary if primary.eq_ignore_ascii_case("zh") => Language::Chinese,
        primary if primary.eq_ignore_ascii_case("en") => Language::English,
        _ => return None,
    };
    let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Some(1_000), |q| {
        let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
        let fraction = format!("{fraction:0<3.3}").parse::<u32>().ok()?;
        Some(whole.parse::<u32>().ok()?.min(1) * 1_000 + fraction)
    });
    Some((language, weight?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_weight_wins_and_of_equals_the_first() {
        for (header, expected) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-GB, zh;q=0.7", Language::English),
            ("en;q=0.2,zh;q=0.25", Language::Chinese),
            ("ZH", Language::Chinese),
            ("en,zh", Language::English),
            ("fr, *;q=0.1", Language::English),
            ("zh;q=0", Language::English),
            ("zh;q=x;;,", Language::English),
            ("", Language::English),
        ] {
            let headers = [(ACCEPT_LANGUAGE, header.parse().unwrap())].into_iter().collect();
            assert_eq!(Language::of(&headers), expected, "{header}");
        }
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }
}
