//! What an answer carries: bytes that are there, or a stream of server-sent events.
//!
//! Invariant: an event stream ends when its sender is gone or the server drains, whichever comes
//! first, after what was already in its channel; else a drain would never end. From then on it is
//! in flight no more: hyper does not ask for the end while the peer does not read. Never here: a
//! stream without a bound, an allocation for plain bytes.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
    draining: Option<Draining>,
    held: Held,
}

/// Resolves when the server drains.
struct Draining(Pin<Box<dyn Future<Output = ()> + Send>>);

/// Keeps an event stream in flight until it is dropped on either side, the body's or the sender's.
#[derive(Debug)]
pub struct Held(Arc<Mutex<Option<InFlight>>>);

impl Held {
    fn pair() -> (Self, Self) {
        let shared = Arc::default();
        (Self(Arc::clone(&shared)), Self(shared))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
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
    /// the channel is full, because the reader is slow, is the sender's decision. Beside the
    /// channel's it drops what else it is given when it gives up: the peer is idle from then on.
    #[must_use]
    pub fn events(chunks: mpsc::Receiver<Bytes>) -> (Self, Held) {
        let (held, sender) = Held::pair();
        (Self::Events(Events { chunks, draining: None, held }), sender)
    }

    /// Called once by the server on the way out. Fixed bytes count as in flight no longer: hyper
    /// takes them over at once, so that a peer who does not read them is an idle peer.
    pub(super) fn hold(&mut self, in_flight: InFlight, shutdown: &Shutdown) {
        match self {
            Self::Fixed(_) => drop(in_flight),
            Self::Events(events) => {
                events.draining = Some(Draining(Box::pin(shutdown.draining())));
                let mut held = events.held.0.lock().unwrap_or_else(PoisonError::into_inner);
                // A sender that is gone already has left a last chunk at most.
                *held = Some(in_flight).filter(|_| !events.chunks.is_closed());
            }
        }
    }
}

impl Events {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let draining = self.draining.as_mut().map(|draining| draining.0.as_mut().poll(cx));
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

impl fmt::Debug for Draining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Draining(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::activity::{Activity, Quiet};
    use tokio::time::Instant;

    #[tokio::test]
    async fn a_stream_that_its_sender_gave_up_is_in_flight_no_more_though_nobody_reads() {
        let activity = Arc::new(Activity::new(Instant::now()));
        let (_chunks, receiver) = mpsc::channel(1);
        let (mut body, held) = Body::events(receiver);
        body.hold(activity.begin(), &Shutdown::new());
        assert_eq!(activity.quiet(), Quiet::No);
        drop(held);
        assert!(matches!(activity.quiet(), Quiet::Since(_)));
    }

    #[tokio::test]
    async fn a_stream_whose_body_is_dropped_is_in_flight_no_more() {
        let activity = Arc::new(Activity::new(Instant::now()));
        let (_chunks, receiver) = mpsc::channel(1);
        let (mut body, _held) = Body::events(receiver);
        body.hold(activity.begin(), &Shutdown::new());
        drop(body);
        assert!(matches!(activity.quiet(), Quiet::Since(_)));
    }
}
