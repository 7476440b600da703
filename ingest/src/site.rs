//! Where voters find this edge, and whom it believes about where they are.
//!
//! Never here: a guess. An origin that nobody gave is not made of a request's headers, which the
//! sender chooses.

use ipnet::IpNet;

/// How an edge is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// The origin that voters see, such as `https://vote.example.org`, without a slash behind.
    /// None where nobody said: then there is no poster and no sign-in by WeChat.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether this process itself speaks TLS.
    pub tls: bool,
}

impl Site {
    /// Whether voters come by TLS, here or at a proxy in front.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.tls || self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}
