//! The two listeners of `weir up`, opened before anything works and served afterwards.
//!
//! A port that cannot be had is told by its flag.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::exit::Failure;

/// The two listeners, open but not served yet.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) api: TcpListener,
    pub(super) ops: TcpListener,
    pub(super) api_address: SocketAddr,
    pub(super) ops_address: SocketAddr,
}

impl Ports {
    pub(super) async fn bind(api: SocketAddr, ops: SocketAddr) -> Result<Self, Failure> {
        let (api, api_address) = bind("--listen", api).await?;
        let (ops, ops_address) = bind("--ops-listen", ops).await?;
        Ok(Self { api, ops, api_address, ops_address })
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
