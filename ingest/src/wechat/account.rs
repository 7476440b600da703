//! An official account as an operator gives it: name, secret, and where WeChat is.
//!
//! Invariant: the secret only ever goes to a host over TLS, or to this machine. Never here: the
//! secret in Debug.

use std::fmt;

use hyper::Uri;

/// An official account of WeChat's.
#[derive(Clone)]
pub struct Account {
    /// Its public name, `wx…`.
    pub app_id: String,
    /// Its secret.
    pub app_secret: String,
    /// Where the API is. Unencrypted only on this machine: the secret goes there.
    pub api: String,
    /// Where a browser is sent to log in.
    pub authorize: String,
}

impl Account {
    /// An account at WeChat itself.
    #[must_use]
    pub fn new(app_id: impl Into<String>, app_secret: impl Into<String>) -> Self {
        Self {
            app_id: app_id.into(),
            app_secret: app_secret.into(),
            api: "https://api.weixin.qq.com".to_owned(),
            authorize: "https://open.weixin.qq.com".to_owned(),
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut account = f.debug_struct("Account");
        account.field("app_id", &self.app_id).field("api", &self.api);
        account.field("authorize", &self.authorize).finish_non_exhaustive()
    }
}

/// Why an account cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAccount {
    /// Of `api`.
    #[error("the URL of WeChat's API must be https://HOST, or http:// on this machine")]
    Api,
    /// Of `authorize`.
    #[error("the URL of WeChat's login page must be https://HOST or http://HOST")]
    Authorize,
    /// Nothing encrypted could be sent.
    #[error("TLS cannot be set up")]
    Tls,
}

/// A base URL without the slash at its end, and whether what is sent there stays private.
pub(super) fn base(url: &str) -> Option<(String, bool)> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    if uri.query().is_some() || url.contains('#') || uri.authority()?.as_str().contains('@') {
        return None;
    }
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let is_private = match uri.scheme_str()? {
        "https" => true,
        "http" => is_here,
        _ => return None,
    };
    Some((url.trim_end_matches('/').to_owned(), is_private))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_over_tls_or_stays_on_this_machine() {
        let private = |url| base(url).map(|(_, is_private)| is_private);
        let private_urls =
            ["https://api.example", "http://127.0.0.1:1/", "http://[::1]:80", "http://localhost"];
        for url in private_urls {
            assert_eq!(private(url), Some(true), "{url}");
        }
        assert_eq!(private("http://192.0.2.1"), Some(false));
        assert_eq!(private("http://localhost.example"), Some(false));
        let no_bases =
            ["", "api.example", "ftp://x", "https://a@b", "https://x?y", "https://x#y", "/x"];
        for url in no_bases {
            assert_eq!(private(url), None, "{url}");
        }
        assert_eq!(base("https://x/y/").unwrap().0, "https://x/y");
    }
}
