//! Which documents a client has already, by `If-None-Match`.
//!
//! Never here: how a tag is made.

use hyper::header::{HeaderMap, IF_NONE_MATCH};

/// Whether the client has one of these: the weak comparison of RFC 9110, 13.1.2.
pub(crate) fn has(headers: &HeaderMap, etags: &[&str]) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).into_iter();
    let mut tags = values.filter_map(|value| value.to_str().ok()).flat_map(|tags| tags.split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || etags.contains(&tag.strip_prefix("W/").unwrap_or(tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_strong_and_under_the_star() {
        for (value, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("\"b\", W/\"a-gz\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            let headers = [(IF_NONE_MATCH, value.parse().unwrap())].into_iter().collect();
            assert_eq!(has(&headers, &["\"a\"", "\"a-gz\""]), expected, "{value}");
        }
        assert!(!has(&HeaderMap::new(), &["\"a\""]));
    }
}
