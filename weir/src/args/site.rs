//! The flags of whatever voters meet: where it is found, how they sign in, whom it believes.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ingest::Site;
use ipnet::IpNet;

use crate::process::TlsFiles;

/// How voters find a process, and how it knows them.
#[derive(Debug, Clone, Args)]
pub(crate) struct SiteArgs {
    /// The origin that voters see, https://HOST: for posters, sign-in by WeChat and
    /// cookies. Not given: `up` takes its own address; elsewhere there is no poster and no sign-in
    /// by WeChat
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub(crate) public_url: Option<String>,
    /// How voters sign in instead of what the campaign file says, to try things out. Not given: the
    /// file decides, and the built-in campaign of `up` has demo voters
    #[arg(long, value_name = "WAY", value_enum)]
    pub(crate) identity: Option<Way>,
    /// Where it is kept who follows, in identity mode unionid. Not given: in memory, and with `up`
    /// in the data directory
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    pub(crate) identity_data: Option<PathBuf>,
    /// Networks of proxies in front, whose X-Forwarded-For is believed, such as 10.0.0.0/8; several
    /// with commas between them. Not given: none
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How many ballots a second may come from one network, an IPv4 /24 or IPv6 /56, ten seconds'
    /// worth at once, before they are refused; behind a carrier's network there are thousands of
    /// voters. Not given: none is refused, what is unusual is noted in the ballots
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub(crate) prefix_rate_max: Option<NonZeroU32>,
    /// The certificate chain (PEM, the leaf first) for TLS on the public listener; read again when
    /// it changes. Not given: plain HTTP, for a proxy in front that speaks TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

/// A way to sign in that is asked for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Anybody votes, once a day and browser
    Demo,
    /// As with WeChat, which is imitated on this machine
    WechatImitation,
}

impl SiteArgs {
    /// Where voters find it.
    pub(crate) fn site(&self) -> Site {
        let (public_url, trusted_proxies) = (self.public_url.clone(), self.trusted_proxies.clone());
        Site {
            public_url,
            trusted_proxies,
            prefix_rate_max: self.prefix_rate_max,
            tls: self.tls_cert.is_some(),
        }
    }

    /// Whether WeChat is imitated here.
    pub(crate) fn imitates(&self) -> bool {
        self.identity == Some(Way::WechatImitation)
    }

    /// The files of the public listener's certificate and key.
    pub(crate) fn tls(&self) -> Option<TlsFiles> {
        let (chain, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(TlsFiles { chain, key })
    }
}

/// An origin: scheme and host, perhaps a port, and nothing behind it.
pub(crate) fn public_url(text: &str) -> Result<String, String> {
    let fix = "give an origin such as https://vote.example.org, without a path";
    let host = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let host = host.ok_or_else(|| format!("does not begin with https:// or http://; {fix}"))?;
    let host = host.strip_suffix('/').unwrap_or(host);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    if host.is_empty() {
        return Err(format!("names no host; {fix}"));
    }
    if !host.chars().all(allowed) || host.starts_with([':', '.']) {
        return Err(format!("{host:?} is no host; {fix}"));
    }
    Ok(text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase())
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let parsed = text.parse::<IpNet>().ok();
    let parsed = parsed.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    parsed.ok_or_else(|| format!("{text:?} is no network; give one such as 10.0.0.0/8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_and_host_and_nothing_else() {
        for (given, expected) in [
            ("https://vote.example.org", Some("https://vote.example.org")),
            ("https://Vote.Example.org/", Some("https://vote.example.org")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://[::1]:8080", Some("http://[::1]:8080")),
            ("https://vote.example.org/a", None),
            ("https://vote.example.org?x", None),
            ("https://user@vote.example.org", None),
            ("ftp://vote.example.org", None),
            ("vote.example.org", None),
            ("https://", None),
            ("https:///x", None),
            ("https://a\r\nb", None),
        ] {
            assert_eq!(public_url(given).ok().as_deref(), expected, "{given:?}");
        }
    }

    #[test]
    fn an_origin_without_a_host_is_refused_by_the_flag_and_with_the_fix() {
        #[derive(Debug, clap::Parser)]
        struct Program {
            #[command(flatten)]
            site: SiteArgs,
        }
        for url in ["https://", "http:///"] {
            let given = ["weir", "--public-url", url];
            let refused = <Program as clap::Parser>::try_parse_from(given).unwrap_err().to_string();
            for part in ["--public-url", "names no host; give an origin such as https://vote."] {
                assert!(refused.contains(part), "{refused}");
            }
        }
    }

    #[test]
    fn a_proxy_is_a_network_or_an_address() {
        assert_eq!(network("10.0.0.0/8").unwrap().prefix_len(), 8);
        assert_eq!(network("192.0.2.7").unwrap().prefix_len(), 32);
        assert_eq!(network("2001:db8::1").unwrap().prefix_len(), 128);
        assert!(network("proxy.internal").unwrap_err().contains("give one such as"));
        assert!(network("10.0.0.0/40").is_err());
    }
}
