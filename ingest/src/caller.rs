//! Where a request comes from: the connection's other end, or what a trusted proxy says of it.
//!
//! Invariant: only a proxy that the operator has named is believed, and only about the address
//! that it saw itself. Never here: an address in a log, a metric, a ballot or an answer.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Once;

use hyper::header::{HeaderMap, HeaderName};

use crate::site::Site;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The network that an address is in, as far as one household or carrier's exit shares it: IPv4
/// /24, IPv6 /56.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Prefix(u64);

impl Prefix {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(u64::from(address.to_bits() >> 8)),
            // The highest bit tells the kinds apart: no IPv6 network that is given out has it.
            IpAddr::V6(address) => {
                let network = u64::try_from(address.to_bits() >> 72).unwrap_or_default();
                Self(network | 1 << 63)
            }
        }
    }
}

/// Where a request comes from, if that can be anywhere but on this machine.
pub(crate) fn address(site: &Site, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = peer?;
    let address = if is_trusted(site, peer) {
        forwarded(site, headers).unwrap_or(peer)
    } else {
        if headers.contains_key(X_FORWARDED_FOR) {
            UNTRUSTED.call_once(warn_of_untrusted);
        }
        peer
    };
    // A proxy on this machine that nobody named, or somebody who tries it out.
    (!address.is_loopback()).then_some(address)
}

/// Said once: anybody may send the header, and a flood of it must not flood the log.
static UNTRUSTED: Once = Once::new();

fn warn_of_untrusted() {
    tracing::warn!(
        "X-Forwarded-For came from an address that is not among --trusted-proxies, and was not \
         believed: if a proxy is in front, name its network there, or all voters behind it are \
         judged as one network"
    );
}

/// The last address of the list that no trusted proxy has: each adds whom it heard it from. What
/// stands before it anybody may have written, in bytes that are no text too.
fn forwarded(site: &Site, headers: &HeaderMap) -> Option<IpAddr> {
    let mut nearest = None;
    for list in headers.get_all(X_FORWARDED_FOR).iter().rev() {
        let elements = list.as_bytes().rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        for element in elements.filter(|element| !element.is_empty()) {
            let address = listed(element)?;
            if !is_trusted(site, address) {
                return Some(address);
            }
            nearest = Some(address);
        }
    }
    nearest
}

/// An address as proxies list it; some add the port, or brackets.
fn listed(element: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(element).ok()?;
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse().ok().or_else(with_port).or_else(bare)?;
    Some(address.to_canonical())
}

fn is_trusted(site: &Site, address: IpAddr) -> bool {
    site.trusted_proxies.iter().any(|network| network.contains(&address))
}

/// Whether a connection from there is one voter's, as far as that can be seen: not a proxy's.
pub(crate) fn is_direct(site: &Site, peer: IpAddr) -> bool {
    let is_local = match peer {
        IpAddr::V4(peer) => {
            let [first, second, ..] = peer.octets();
            // 100.64/10 is between a carrier and its customers (RFC 6598), or within a cluster.
            let is_shared = first == 100 && second & 0xC0 == 64;
            peer.is_loopback() || peer.is_private() || peer.is_link_local() || is_shared
        }
        IpAddr::V6(peer) => {
            peer == Ipv6Addr::LOCALHOST || peer.is_unique_local() || peer.is_unicast_link_local()
        }
    };
    !is_local && !is_trusted(site, peer)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn site(proxies: &[&str]) -> Site {
        let trusted_proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        Site { trusted_proxies, ..Site::default() }
    }

    fn seen(site: &Site, peer: &str, lists: &[&str]) -> Option<String> {
        let value = |list: &&str| HeaderValue::from_bytes(list.as_bytes()).unwrap();
        let headers = lists.iter().map(|list| (X_FORWARDED_FOR, value(list))).collect();
        address(site, Some(peer.parse().unwrap()), &headers).map(|address| address.to_string())
    }

    #[test]
    fn nobody_is_believed_who_is_not_a_trusted_proxy() {
        let trusting = site(&["10.0.0.0/8"]);
        for (peer, lists, expected) in [
            // Spoofed: the peer is a voter.
            ("192.0.2.1", &["203.0.113.9"][..], Some("192.0.2.1")),
            ("10.0.0.1", &["203.0.113.9"], Some("203.0.113.9")),
            // The voter wrote the first two; the proxy added the last.
            ("10.0.0.1", &["1.1.1.1, 2.2.2.2, 203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.9"], Some("203.0.113.9")),
            // Two trusted proxies in a row.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"], Some("203.0.113.9")),
            ("10.0.0.1", &["1.1.1.1, nonsense"], Some("10.0.0.1")),
            ("10.0.0.1", &["nonsense, 203.0.113.9"], Some("203.0.113.9")),
            // Bytes that are no text, and lists that are none, do not hide who wrote them.
            ("10.0.0.1", &["\u{FF}, 203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &["\u{FF}", "203.0.113.9"], Some("203.0.113.9")),
            ("10.0.0.1", &[", ,203.0.113.9 ,, "], Some("203.0.113.9")),
            // As some proxies write it.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9:40123"], Some("203.0.113.9")),
            ("10.0.0.1", &["[2001:db8::7]:40123"], Some("2001:db8::7")),
            ("10.0.0.1", &["[2001:db8::7]"], Some("2001:db8::7")),
            ("10.0.0.1", &["203.0.113.9, 10.0.0.2:8080"], Some("203.0.113.9")),
            ("10.0.0.1", &["203.0.113.9, unknown"], Some("10.0.0.1")),
            ("10.0.0.1", &[], Some("10.0.0.1")),
            ("10.0.0.1", &["2001:db8::7"], Some("2001:db8::7")),
            ("10.0.0.1", &["::ffff:203.0.113.9"], Some("203.0.113.9")),
            ("127.0.0.1", &["203.0.113.9"], None),
        ] {
            assert_eq!(seen(&trusting, peer, lists).as_deref(), expected, "{peer} {lists:?}");
        }
        let here = site(&["127.0.0.1/32"]);
        assert_eq!(seen(&here, "127.0.0.1", &["203.0.113.9"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(address(&here, None, &HeaderMap::new()), None);
    }

    #[test]
    fn a_prefix_is_shared_within_a_network_and_with_no_other() {
        let prefix = |address: &str| Prefix::of(address.parse().unwrap());
        assert_eq!(prefix("192.0.2.1"), prefix("192.0.2.254"));
        assert_eq!(prefix("192.0.2.1"), prefix("::ffff:192.0.2.7"));
        assert_ne!(prefix("192.0.2.1"), prefix("192.0.3.1"));
        assert_eq!(prefix("2001:db8:0:1200::1"), prefix("2001:db8:0:12ff::2"));
        assert_ne!(prefix("2001:db8:0:1200::1"), prefix("2001:db8:0:1300::1"));
        assert_ne!(prefix("::c000:200"), prefix("192.0.2.0"));
    }

    #[test]
    fn a_connection_from_a_private_network_may_be_a_proxys() {
        let none = site(&[]);
        for (peer, expected) in [
            ("203.0.113.9", true),
            ("2001:db8::1", true),
            ("127.0.0.1", false),
            ("::1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.0.1", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("fd00::1", false),
        ] {
            assert_eq!(is_direct(&none, peer.parse().unwrap()), expected, "{peer}");
        }
        assert!(!is_direct(&site(&["203.0.113.0/24"]), "203.0.113.9".parse().unwrap()));
    }
}
