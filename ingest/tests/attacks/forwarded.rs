//! Who says where they come from: a network's limit shows whom the edge takes somebody for.

use super::direct::{Caller, edge, refused, site};
use super::kit::Running;

/// One ballot a second, and ten at once.
const RATE: u32 = 1;
const AT_ONCE: u32 = 10;

async fn limited(proxies: &[&str]) -> Running {
    edge(site(proxies, Some(RATE))).await
}

/// Voters from there, each with a list of forwarded addresses of its own, until one is refused;
/// how many were not.
async fn taken(
    edge: &Running,
    peer: &str,
    names: &str,
    forwarded: impl Fn(u32) -> Vec<Vec<u8>>,
) -> u32 {
    let mut caller = Caller::from(edge, peer).await;
    for number in 0..AT_ONCE * 3 {
        let lists = forwarded(number);
        let headers: Vec<_> =
            lists.iter().map(|list| ("x-forwarded-for", list.as_slice())).collect();
        let answer =
            caller.cast_with(&format!("{names} {number}"), &headers, super::direct::BODY).await;
        if answer.status == 429 {
            assert_eq!(answer.code(), "rate_limited");
            assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
            return number;
        }
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    AT_ONCE * 3
}

#[tokio::test(start_paused = true)]
async fn who_is_no_proxy_is_judged_by_their_own_network_whatever_they_say() {
    let edge = limited(&["10.0.0.0/8"]).await;
    let spoofed = |number| vec![format!("198.51.100.{number}").into_bytes()];
    assert_eq!(taken(&edge, "203.0.113.9", "a", spoofed).await, AT_ONCE);
    // The same network, another connection and address, and a list that looks like a proxy's.
    let nested = |number| vec![format!("192.0.{number}.1, 10.0.0.2").into_bytes()];
    assert_eq!(taken(&edge, "203.0.113.77", "b", nested).await, 0);
    assert_eq!(refused(&edge, "prefix"), 2);
    // Nobody else has been harmed by being named.
    assert_eq!(taken(&edge, "198.51.100.1", "c", |_| vec![]).await, AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn no_other_header_says_where_somebody_is() {
    let edge = limited(&["10.0.0.0/8"]).await;
    let names = ["forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "client-ip"];
    for peer in ["203.0.113.9", "10.0.0.1"] {
        let mut caller = Caller::from(&edge, peer).await;
        for number in 0..=AT_ONCE {
            let (plain, element) = (format!("198.51.{number}.1"), format!("for=198.51.{number}.1"));
            let headers = names.map(|name| {
                (name, if name == "forwarded" { element.as_bytes() } else { plain.as_bytes() })
            });
            let name = format!("{peer} {number}");
            let answer = caller.cast_with(&name, &headers, super::direct::BODY).await;
            let expected = if number < AT_ONCE { 202 } else { 429 };
            assert_eq!(answer.status, expected, "{name}: {answer:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_voters_write_before_a_proxys_word_changes_nothing() {
    let edge = limited(&["10.0.0.0/8", "2001:db8:ffff::/48"]).await;
    let proxies = ["10.0.0.1", "10.9.9.9", "2001:db8:ffff::1", "::ffff:10.0.0.1"];
    // What is written in front; the proxy appends to the header, or adds one.
    let tricks: [&[u8]; 8] =
        [b"198.51.100.7", b"10.0.0.2", b"\xFF\xFE", b"", b" , ,", b"unknown", b"[", b"127.0.0.1"];
    for (network, trick) in (0_u8..).zip(tricks) {
        let own = format!("203.0.{network}.9");
        let appended = |number: u32| {
            let list = [trick, b", ".as_slice(), own.as_bytes()].concat();
            let two = || vec![trick.to_vec(), own.clone().into_bytes()];
            if number.is_multiple_of(2) { vec![list] } else { two() }
        };
        let proxy = proxies[usize::from(network) % proxies.len()];
        let names = format!("voter {network}");
        assert_eq!(taken(&edge, proxy, &names, appended).await, AT_ONCE, "{trick:?}");
        // By another proxy it is the same network.
        let plain = |_| vec![own.clone().into_bytes()];
        assert_eq!(taken(&edge, "10.1.1.1", &format!("{names} again"), plain).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_proxy_each_network_has_its_own_allowance() {
    let edge = limited(&["10.0.0.0/8"]).await;
    let many = |number| vec![format!("203.0.{number}.9").into_bytes()];
    assert_eq!(taken(&edge, "10.0.0.1", "a", many).await, AT_ONCE * 3);
    // Two proxies in a row, the nearer with its port.
    let two = |number| vec![format!("198.51.{number}.1").into(), b"10.0.0.2:8080".to_vec()];
    assert_eq!(taken(&edge, "10.0.0.1", "b", two).await, AT_ONCE * 3);
    let six = |number| vec![format!("[2001:db8:0:12{number:02x}::1]:40123").into_bytes()];
    assert_eq!(taken(&edge, "10.0.0.1", "c", six).await, AT_ONCE, "one IPv6 /56");
}

#[tokio::test(start_paused = true)]
async fn a_network_is_refused_only_where_the_operator_has_said_so() {
    let edge = edge(site(&[], None)).await;
    assert_eq!(taken(&edge, "203.0.113.9", "a", |_| vec![]).await, AT_ONCE * 3);
    assert_eq!(refused(&edge, "prefix"), 0);
    // Nor are those on this machine, who may all be one proxy that nobody named.
    let limited = limited(&[]).await;
    for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(taken(&limited, peer, peer, |_| vec![]).await, AT_ONCE * 3, "{peer}");
    }
}
