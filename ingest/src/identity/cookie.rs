//! The cookies of the edge: a campaign's voter token, and a few sign-ins that are on their way.
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

/// How many sign-ins one browser may have on their way: in two tabs, with a second try each. Each
/// is a cookie of up to 120 bytes, which every request of the next ten minutes carries.
pub(super) const LOGINS_MAX: usize = 4;

/// The name of the cookie of a sign-in on its way, by its place among them. No id of a campaign has
/// a dot, so it is no voter's cookie.
pub(super) fn login_name(place: usize, is_secure: bool) -> String {
    if is_secure { format!("__Host-weir-login.{place}") } else { format!("weir-login.{place}") }
}

/// Gives the browser a campaign's voter token, for so many seconds.
pub(super) fn voter(name: &str, token: &str, age_s: u64, is_secure: bool) -> HeaderValue {
    set(name, token, ("/", age_s), is_secure)
}

/// Gives the browser its half of the sign-in of a place, for so many seconds.
pub(super) fn login(place: usize, value: &str, age_s: u64, is_secure: bool) -> HeaderValue {
    // Only signing in needs it back, but `__Host-` does not allow to say so.
    let path = if is_secure { "/" } else { "/auth" };
    set(&login_name(place, is_secure), value, (path, age_s), is_secure)
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
            login(0, "v", 60, true),
            "__Host-weir-login.0=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure"
        );
        assert_eq!(
            login(3, "v", u64::MAX, false),
            "weir-login.3=v; HttpOnly; SameSite=Lax; Path=/auth; Max-Age=34560000"
        );
    }
}
