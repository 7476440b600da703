//! The two cookies of the edge: a campaign's voter token, and a sign-in that is on its way.
//!
//! Invariant: no script of a page sees either, no other site's form sends one along, and behind
//! TLS neither travels without it. Never here: a value that came from a request.

use hyper::header::HeaderValue;

/// The name of the cookie of a sign-in on its way.
pub(super) const LOGIN: &str = "weir-login";
/// The longest that browsers keep a cookie (RFC 6265bis, 5.5): 400 days.
const AGE_S_MAX: u64 = 400 * 86_400;

/// Gives the browser a campaign's voter token, for so many seconds.
pub(super) fn voter(name: &str, token: &str, age_s: u64, is_secure: bool) -> HeaderValue {
    set(name, token, ("/", age_s), is_secure)
}

/// Gives the browser its half of a sign-in, for so many seconds. Only sign-in gets it back.
pub(super) fn login(value: &str, age_s: u64, is_secure: bool) -> HeaderValue {
    set(LOGIN, value, ("/auth", age_s), is_secure)
}

fn set(name: &str, value: &str, (path, age_s): (&str, u64), is_secure: bool) -> HeaderValue {
    let age_s = age_s.min(AGE_S_MAX);
    let secure = if is_secure { "; Secure" } else { "" };
    // Lax, since the voter comes back from WeChat's page by a link.
    let text =
        format!("{name}={value}; HttpOnly; SameSite=Lax; Path={path}; Max-Age={age_s}{secure}");
    HeaderValue::try_from(text).expect("ids, tokens and numbers are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_says_secure_only_behind_tls_and_lives_for_four_hundred_days_at_most() {
        assert_eq!(
            voter("weir-c", "T", 60, true),
            "weir-c=T; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure"
        );
        assert_eq!(
            login("v", u64::MAX, false),
            "weir-login=v; HttpOnly; SameSite=Lax; Path=/auth; Max-Age=34560000"
        );
    }
}
