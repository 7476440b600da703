//! The two cookies of the edge: a campaign's voter token, and a sign-in that is on its way.
//!
//! Invariant: no script of a page sees either, no other site's form sends one along, and behind
//! TLS neither travels without it, nor can another host of the domain set one: that is what
//! `__Host-` stands for. Never here: a value that came from a request.

use hyper::header::HeaderValue;

/// The longest that browsers keep a cookie (RFC 6265bis, 5.5): 400 days.
const AGE_S_MAX: u64 = 400 * 86_400;

/// The name of the cookie that has the token of a voter of this campaign.
pub(crate) fn voter_name(campaign: &str, is_secure: bool) -> String {
    // Browsers take it only if it is Secure, of this host alone, and for all of it.
    if is_secure { format!("__Host-weir-{campaign}") } else { format!("weir-{campaign}") }
}

/// The name of the cookie of a sign-in on its way.
pub(super) const fn login_name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-weir-login" } else { "weir-login" }
}

/// Gives the browser a campaign's voter token, for so many seconds.
pub(super) fn voter(name: &str, token: &str, age_s: u64, is_secure: bool) -> HeaderValue {
    set(name, token, ("/", age_s), is_secure)
}

/// Gives the browser its half of a sign-in, for so many seconds.
pub(super) fn login(value: &str, age_s: u64, is_secure: bool) -> HeaderValue {
    // Only signing in needs it back, but `__Host-` does not allow to say so.
    let path = if is_secure { "/" } else { "/auth" };
    set(login_name(is_secure), value, (path, age_s), is_secure)
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
    fn behind_tls_a_cookie_is_this_hosts_alone_and_it_lives_for_four_hundred_days_at_most() {
        assert_eq!(
            voter(&voter_name("c", true), "T", 60, true),
            "__Host-weir-c=T; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure"
        );
        assert_eq!(
            voter(&voter_name("c", false), "T", 60, false),
            "weir-c=T; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"
        );
        assert_eq!(
            login("v", 60, true),
            "__Host-weir-login=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure"
        );
        assert_eq!(
            login("v", u64::MAX, false),
            "weir-login=v; HttpOnly; SameSite=Lax; Path=/auth; Max-Age=34560000"
        );
    }
}
