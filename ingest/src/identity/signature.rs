//! Whether a request to the events address comes from WeChat: it knows the account's token.
//!
//! Invariant: nothing of a request is believed before its signature holds, which it does for five
//! minutes about its timestamp, on our clock. The signature does not cover the body: a request that
//! was read on its way could be sent again with another one, so `seen` lets each signature speak
//! for one body only. Never here: a comparison that tells by its time how much was right.

use std::borrow::Cow;

use sha1::{Digest as _, Sha1};

/// How far a timestamp may be from our clock: a minute or two of drift and a slow way.
const AGE_MS_MAX: u64 = 5 * 60 * 1_000;
/// WeChat's have 10 digits, some 10 digits, and 40.
const VALUE_CHARS_MAX: usize = 64;
/// WeChat's have some 20 digits; it is sent back.
const ECHO_BYTES_MAX: usize = 256;

/// Whether whoever signed knew the token: `signature` is the SHA-1, in lower-case hex, of the three
/// others, sorted and joined. That it takes the same time whatever differs is blake3's promise for
/// its hashes, which are compared in place of the texts.
#[must_use]
pub(super) fn holds(token: &str, timestamp: &str, nonce: &str, signature: &str) -> bool {
    let mut parts = [token, timestamp, nonce];
    parts.sort_unstable();
    let mut sha1 = Sha1::new();
    parts.iter().for_each(|part| sha1.update(part.as_bytes()));
    let mut expected = String::with_capacity(40);
    for byte in sha1.finalize() {
        for digit in [byte >> 4, byte & 15] {
            expected.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    blake3::hash(expected.as_bytes()) == blake3::hash(signature.as_bytes())
}

/// The signed part of a request's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed<'a> {
    timestamp: Cow<'a, str>,
    nonce: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
    /// What to send back, where the address is being verified.
    pub(super) echo: Option<Cow<'a, str>>,
}

impl<'a> Signed<'a> {
    /// What a query says. None unless each of the three is there once, and `echostr` at most once:
    /// of two, somebody in front may have looked at the other.
    pub(super) fn read(query: &'a str) -> Option<Self> {
        let (mut timestamp, mut nonce, mut signature, mut echo) = (None, None, None, None);
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let (place, bytes_max) = match &*key {
                "timestamp" => (&mut timestamp, VALUE_CHARS_MAX),
                "nonce" => (&mut nonce, VALUE_CHARS_MAX),
                "signature" => (&mut signature, VALUE_CHARS_MAX),
                "echostr" => (&mut echo, ECHO_BYTES_MAX),
                // WeChat adds the sender's openid, and other things in other modes.
                _ => continue,
            };
            if place.is_some() || value.is_empty() || value.len() > bytes_max {
                return None;
            }
            *place = Some(value);
        }
        Some(Self { timestamp: timestamp?, nonce: nonce?, signature: signature?, echo })
    }

    /// Whether its time is about now.
    pub(super) fn is_recent(&self, now_ms: i64) -> bool {
        let signed_ms =
            digits(&self.timestamp).and_then(|s| i64::try_from(s).ok()?.checked_mul(1_000));
        signed_ms.is_some_and(|signed_ms| signed_ms.abs_diff(now_ms) <= AGE_MS_MAX)
    }

    /// Whether it was signed with this token.
    pub(super) fn holds(&self, token: &str) -> bool {
        holds(token, &self.timestamp, &self.nonce, &self.signature)
    }
}

/// A number of digits only: Rust would take a sign, too.
pub(super) fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    // printf %s 17028720001702872003weirtoken | sha1sum
    const TIMESTAMP: &str = "1702872000";
    const NONCE: &str = "1702872003";
    const SIGNATURE: &str = "ef244a0eb11109601934f029239cba0d8331ce60";

    #[test]
    fn a_signature_is_the_sha1_of_the_sorted_three_as_sha1sum_says() {
        // The nonce before the timestamp, the token between them, the token before both, by bytes.
        for (token, timestamp, nonce, signature) in [
            ("weirtoken", TIMESTAMP, NONCE, SIGNATURE),
            // printf %s 1320562132170287200099weir | sha1sum
            ("99weir", "1702872000", "1320562132", "0556dde8eb882ac01dcf389622029ef8cf0d9ca9"),
            // printf %s 17028720004weir9nonce | sha1sum
            ("4weir", "1702872000", "9nonce", "151159f8cdf3fb8a880ebc1463db12774ff520e0"),
            // printf %s 1702872000Weirnonce | sha1sum
            ("Weir", "1702872000", "nonce", "ca33e7453f08a7dd292fa9e1fb63501bf4aa123b"),
        ] {
            assert!(holds(token, timestamp, nonce, signature), "{token}");
            assert!(!holds(token, nonce, timestamp, &signature.to_uppercase()), "{token}");
            assert!(!holds("another", timestamp, nonce, signature), "{token}");
            assert!(!holds(token, "1702872001", nonce, signature), "{token}");
            assert!(!holds(token, timestamp, "1", signature), "{token}");
            assert!(!holds(token, timestamp, nonce, &signature[..39]), "{token}");
            assert!(!holds(token, timestamp, nonce, ""), "{token}");
        }
    }

    #[test]
    fn each_of_the_three_is_there_once_or_nothing_is_read() {
        let good = format!("signature={SIGNATURE}&timestamp={TIMESTAMP}&nonce={NONCE}");
        let read = Signed::read(&good).unwrap();
        assert!(read.holds("weirtoken") && read.echo.is_none());
        let more = format!("{good}&echostr=5%2B3&openid=o1&openid=o2");
        assert_eq!(Signed::read(&more).unwrap().echo.as_deref(), Some("5+3"));
        for bad in [
            String::new(),
            good.replace("nonce", "once"),
            good.replace("signature", "Signature"),
            good.replace(NONCE, ""),
            good.replace(NONCE, &"1".repeat(65)),
            format!("{good}&nonce={NONCE}"),
            format!("{good}&%6eonce={NONCE}"),
            format!("{good}&echostr=1&echostr=1"),
            format!("{good}&echostr={}", "1".repeat(257)),
        ] {
            assert_eq!(Signed::read(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_timestamp_counts_for_five_minutes_before_and_after() {
        let at = |timestamp: &str| {
            let query = format!("signature=1&nonce=1&timestamp={timestamp}");
            Signed::read(&query).unwrap().is_recent(1_702_872_000_000)
        };
        for (timestamp, recent) in [
            (TIMESTAMP, true),
            ("1702871700", true),
            ("1702871699", false),
            ("1702872300", true),
            ("1702872301", false),
            ("-1702872000", false),
            ("%2B1702872000", false),
            ("1702872000000", false),
            ("18446744073709551615", false),
            ("99999999999999999999", false),
            ("9223372036854775807", false),
            ("now", false),
        ] {
            assert_eq!(at(timestamp), recent, "{timestamp}");
        }
    }
}
