//! The tally as server-sent events (WHATWG HTML, 9.2): the newest at once, then each change.
//!
//! Invariant: a reader gets the newest document only, as often as it reads and at most four times
//! a second; nothing queues for a slow one, and one who never reads is let go. Streams are bounded
//! in number, in all and of one network or connection, and end on the drain.

mod places;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aggregator::Served;
use ballot::Results;
use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response};
use journal::Journal;
use prometheus::IntGauge;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use crate::abuse::Connection;
use crate::caller::{self, Prefix};
use crate::edge::Shared;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::{Body, Held};
use crate::tally::{may_show, newest};
pub(crate) use places::{Place, Places};

/// The least time between two events: the flush interval of the aggregator.
const EVENT_INTERVAL: Duration = Duration::from_millis(250);
/// A comment is sent after this long without an event: the WHATWG's advice against proxies that
/// drop connections they think idle.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a reader may leave an event unread before it is let go: two keep-alives. What the
/// kernel holds for it is not in this; the connection's idle timeout comes after it.
const UNREAD_MAX: Duration = Duration::from_secs(30);
/// How long a reader waits before it comes again: a second and up to another, so that those whom a
/// drain sends away do not all come back at once.
const RETRY_MS: usize = 1_000;

/// The newest tally as an event, made once for all streams.
#[derive(Debug, Default)]
pub(crate) struct Frame(Mutex<Option<(Arc<Served>, Bytes)>>);

impl Frame {
    /// The event of this document.
    fn of(&self, served: &Arc<Served>) -> Bytes {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, event)) if Arc::ptr_eq(of, served) => event.clone(),
            Some(_) | None => {
                let mut event = Vec::with_capacity(served.json.len() + 96);
                event.extend_from_slice(b"event: tally\nid: ");
                event.extend_from_slice(served.etag.as_bytes());
                event.extend_from_slice(b"\ndata: ");
                // One line: the document is JSON without line ends.
                event.extend_from_slice(&served.json);
                event.extend_from_slice(b"\n\n");
                let event = Bytes::from(event);
                *kept = Some((Arc::clone(served), event.clone()));
                event
            }
        }
    }
}

/// Who asks: the other end, and its connection where that is one voter's.
pub(crate) type Caller<'a> = (Option<IpAddr>, Option<&'a Arc<Connection>>);

/// Opens a stream; HEAD is told what GET would be.
pub(crate) fn answer<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    parts: &Parts,
    (peer, connection): Caller<'_>,
) -> Result<Response<Body>, Refusal> {
    let hosted = edge.campaign(id)?;
    let served = newest(&hosted.given.view);
    if hosted.given.campaign.results == Results::Hidden
        && !served.is_some_and(|served| may_show(hosted, &served))
    {
        return Err(Problem::ResultsHidden.into());
    }
    let network = caller::address(&edge.site, peer, &parts.headers).map(Prefix::of);
    let place = edge.streams.take(network, connection)?;
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Else nginx collects events before it sends them on.
    let buffering = HeaderName::from_static("x-accel-buffering");
    headers.insert(buffering, HeaderValue::from_static("no"));
    if parts.method == Method::HEAD {
        return Ok(response);
    }
    let retry_ms = RETRY_MS + edge.streams.left() % RETRY_MS;
    // One place: what does not fit waits to be made, from what is newest then.
    let (chunks, body) = mpsc::channel(1);
    let (body, held) = Body::events(body);
    let feed = Feed {
        frame: Arc::clone(&hosted.frame),
        served: hosted.given.view.served.clone(),
        chunks,
        _open: Open::new(place, edge.requests.streams.clone()),
        _held: held,
    };
    // Nobody joins it: it ends when the answer's body is dropped, which the server's end does, and
    // when it has waited too long for its reader.
    drop(tokio::spawn(feed.run(retry_ms)));
    *response.body_mut() = body;
    Ok(response)
}

/// What sends one stream's events.
struct Feed {
    frame: Arc<Frame>,
    served: watch::Receiver<Option<Arc<Served>>>,
    chunks: mpsc::Sender<Bytes>,
    _open: Open,
    _held: Held,
}

impl Feed {
    async fn run(mut self, retry_ms: usize) {
        let hello = Bytes::from(format!("retry: {retry_ms}\n\n"));
        if self.chunks.send(hello).await.is_err() {
            return;
        }
        self.served.mark_changed();
        loop {
            // Biased, and nothing starves: each arm that is ready leads out or to a pause.
            let changed = tokio::select! {
                biased;
                () = self.chunks.closed() => return,
                changed = timeout(KEEP_ALIVE, self.served.changed()) => changed,
            };
            let Ok(Ok(place)) = timeout(UNREAD_MAX, self.chunks.reserve()).await else { return };
            match changed {
                Ok(Ok(())) => {
                    let newest = self.served.borrow_and_update().clone();
                    if let Some(newest) = newest {
                        place.send(self.frame.of(&newest));
                    }
                }
                // The view has ended, and with it the process soon.
                Ok(Err(_)) => return,
                Err(_) => place.send(Bytes::from_static(b":\n\n")),
            }
            tokio::select! {
                biased;
                () = self.chunks.closed() => return,
                () = sleep(EVENT_INTERVAL) => {}
            }
        }
    }
}

/// An open stream, counted until it is dropped.
struct Open {
    gauge: IntGauge,
    _place: Place,
}

impl Open {
    fn new(place: Place, gauge: IntGauge) -> Self {
        gauge.inc();
        Self { gauge, _place: place }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_stream_whose_reader_never_reads_ends_and_gives_its_place_back() {
        let places = Places::default();
        let all = places.left();
        let place = places.take(None, None).unwrap();
        let gauge = IntGauge::new("streams", "Open streams").unwrap();
        let (chunks, unread) = mpsc::channel(1);
        let (_body, held) = Body::events(unread);
        let (_view, served) = watch::channel(None);
        let feed = Feed {
            frame: Arc::default(),
            served,
            chunks,
            _open: Open::new(place, gauge.clone()),
            _held: held,
        };
        let opened = Instant::now();
        feed.run(RETRY_MS).await;
        assert_eq!(opened.elapsed(), UNREAD_MAX);
        assert_eq!((gauge.get(), places.left()), (0, all));
    }
}
