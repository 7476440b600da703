//! What an answer carries: bytes that are there, or a stream of server-sent events.
//!
//! Invariant: an event stream ends when its sender is gone or the server drains, whichever comes
//! first, after what was already in its channel; else a drain would never end. Never here: a
//! stream without a bound, an allocation for plain bytes.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::Shutdown;
use super::activity::InFlight;

/// The body of an answer.
#[derive(Debug)]
pub enum Body {
    /// Bytes that are all there.
    Fixed(Full<Bytes>),
    /// Chunks that are sent as they come.
    Events(Events),
}

/// Chunks from a bounded channel, as a body.
#[derive(Debug)]
pub struct Events {
    chunks: mpsc::Receiver<Bytes>,
    lease: Option<Box<Lease>>,
}

/// What ties an event stream to its connection: it counts as in flight, and ends on the drain.
struct Lease {
    draining: Pin<Box<dyn Future<Output = ()> + Send>>,
    _in_flight: InFlight,
}

impl Body {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::fixed(Bytes::new())
    }

    /// Bytes that are all there. Static text and `Bytes` are not copied.
    #[must_use]
    pub fn fixed(bytes: impl Into<Bytes>) -> Self {
        Self::Fixed(Full::new(bytes.into()))
    }

    /// A stream of the channel's chunks, until its senders are gone or the server drains. The
    /// sender learns from [`mpsc::Sender::closed`] that nobody reads any more; what to do when
    /// the channel is full, because the reader is slow, is the sender's decision.
    #[must_use]
    pub const fn events(chunks: mpsc::Receiver<Bytes>) -> Self {
        Self::Events(Events { chunks, lease: None })
    }

    /// Called once by the server on the way out. Fixed bytes count as in flight no longer: hyper
    /// takes them over at once, so that a peer who does not read them is an idle peer.
    pub(super) fn hold(&mut self, in_flight: InFlight, shutdown: &Shutdown) {
        match self {
            Self::Fixed(_) => drop(in_flight),
            Self::Events(events) => {
                let draining = Box::pin(shutdown.draining());
                events.lease = Some(Box::new(Lease { draining, _in_flight: in_flight }));
            }
        }
    }
}

impl Events {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let draining = self.lease.as_mut().map(|lease| lease.draining.as_mut().poll(cx));
        if draining.is_some_and(|draining| draining.is_ready()) {
            self.chunks.close();
        }
        self.chunks.poll_recv(cx)
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Fixed(bytes) => Pin::new(bytes).poll_frame(cx),
            Self::Events(events) => {
                events.poll_chunk(cx).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Fixed(bytes) => bytes.is_end_stream(),
            Self::Events(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Fixed(bytes) => bytes.size_hint(),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::fixed(bytes)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
