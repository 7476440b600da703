//! Where voters find this edge, and whom it believes about where they are.
//!
//! Never here: a guess. An origin that nobody gave is not made of a request's headers, which the
//! sender chooses.

use std::num::NonZeroU32;

use ipnet::IpNet;

/// How an edge is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// The origin that voters see, such as `https://vote.example.org`, without a slash behind.
    /// None where nobody said: then there is no poster and no sign-in by WeChat.
    pub public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How many ballots a second one network (IPv4 /24, IPv6 /56) may send before they are refused;
    /// none where that is only noted in the ballots.
    pub prefix_rate_max: Option<NonZeroU32>,
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
