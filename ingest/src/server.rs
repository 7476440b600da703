//! The connection layer of the edge: sockets, limits, deadlines and the drain. It knows HTTP and
//! nothing about ballots.
//!
//! Invariant: whatever a peer sends or fails to send, its connection ends in bounded time, unless
//! a handler is at work for it or an event stream is open; both end at the latest when the drain
//! is forced. Never here: a queue without a bound, a timer operation per request, an accept loop
//! that exits on an error.

mod accept;
mod activity;
mod body;
mod connection;
mod counters;
mod limits;
mod read_body;
mod shutdown;
mod tls;

use std::future::Future;
use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::{Request, Response};

pub use accept::{Report, serve};
pub use body::{Body, Events, Held};
pub use counters::{Counters, CountersSnapshot};
pub use limits::Limits;
pub(crate) use read_body::read_body_if;
pub use read_body::{BodyError, read_body};
pub use shutdown::Shutdown;
pub use tls::{Certificate, CertificateError, Listening, Tls};

/// Answers requests. It is cloned once per connection, so a clone should be a few `Arc`s at most.
///
/// Any `Fn(Request<Incoming>) -> impl Future<Output = Response<Body>>` is one.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The handler of one connection, whose other end is there: asked once, when it is accepted.
    #[must_use]
    fn connected(&self, _peer: SocketAddr) -> Self {
        self.clone()
    }

    /// Answers one request. The future is dropped when the peer goes away or the drain is forced.
    fn handle(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send;
}

impl<F, A> Handler for F
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send,
{
    fn handle(&self, request: Request<Incoming>) -> impl Future<Output = Response<Body>> + Send {
        self(request)
    }
}
