//! The two listeners of a process, opened before anything works and served afterwards.
//!
//! A port that cannot be had is told by its flag.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::exit::Failure;

/// The two listeners, open but not served yet.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) api: TcpListener,
    pub(crate) ops: TcpListener,
    pub(crate) api_address: SocketAddr,
    pub(crate) ops_address: SocketAddr,
}

impl Ports {
    pub(super) async fn bind(api: SocketAddr, ops: SocketAddr) -> Result<Self, Failure> {
        let (api, api_address) = bind("--listen", api).await?;
        let (ops, ops_address) = bind("--ops-listen", ops).await?;
        Ok(Self { api, ops, api_address, ops_address })
    }

    /// Whether an address can be listened on now; it is free again afterwards.
    pub(crate) async fn try_one(flag: &str, address: SocketAddr) -> Result<(), Failure> {
        bind(flag, address).await.map(drop)
    }
}

async fn bind(flag: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind(address).await;
    let bound = listener.and_then(|listener| listener.local_addr().map(|at| (listener, at)));
    bound.map_err(|error| {
        let known = [
            (io::ErrorKind::AddrInUse, "another process listens there"),
            (io::ErrorKind::AddrNotAvailable, "this machine does not have that address"),
            (io::ErrorKind::PermissionDenied, "this user may not listen on that port"),
        ];
        let known = known.into_iter().find(|(kind, _)| *kind == error.kind());
        let why = known.map_or_else(|| error.to_string(), |(_, why)| why.to_owned());
        Failure::configuration(format!("{flag} {address}: {why}; give another address or port"))
    })
}

/// An address as the start of a URL that works on this machine.
pub(crate) fn origin(address: SocketAddr) -> String {
    origin_by(false, address)
}

/// The same, by TLS or without.
pub(crate) fn origin_by(tls: bool, mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("{}://{address}", if tls { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_can_be_opened_on_this_machine() {
        let origin = |address: &str| origin(address.parse().unwrap());
        assert_eq!(origin("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(origin("[::]:80"), "http://[::1]:80");
        assert_eq!(origin("10.0.0.7:80"), "http://10.0.0.7:80");
    }
}
