//! One connection: hyper in a task of its own, and a watchdog beside it.
//!
//! hyper's auto server has no deadline until the protocol is known, and none on idle HTTP/2; the
//! watchdog has one for every case. It is a second task, so that nothing is added to the polls a
//! request costs: it wakes when hyper's task ends, when the drain begins, and on its own rare
//! timer. Invariant: hyper's task never outlives its watchdog's. Never here: a close that cuts
//! off something in flight; only [`Shutdown::force`] does that.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::debug;

use super::activity::{Activity, Quiet};
use super::{Counters, Handler, Limits, Shutdown, Tls};

/// What may be under way on one HTTP/2 connection, each way and unread: the specification's initial
/// window (RFC 9113, 6.9.2), where hyper would take 400 KB to 1 MB.
const WINDOW_BYTES: u32 = 65_535;
/// hyper takes no smaller buffer for HTTP/1.1, and panics when given one.
const BUFFER_BYTES_MIN: usize = 8_192;

/// What all connections of one listener share.
#[derive(Debug)]
pub(super) struct Shared<H> {
    handler: H,
    http: auto::Builder<StreamTasks>,
    pub(super) limits: Limits,
    pub(super) shutdown: Shutdown,
    pub(super) counters: Arc<Counters>,
    /// Everything that runs hyper or a handler; the end of `serve` waits for it.
    pub(super) tasks: TaskTracker,
    /// None where peers speak plain HTTP.
    pub(super) tls: Option<Tls>,
}

impl<H: Handler> Shared<H> {
    pub(super) fn new(
        handler: H,
        limits: Limits,
        shutdown: Shutdown,
        counters: Arc<Counters>,
    ) -> Self {
        let tasks = TaskTracker::new();
        let mut http = auto::Builder::new(StreamTasks(tasks.clone()));
        let window_bytes = usize::try_from(WINDOW_BYTES).unwrap_or(usize::MAX);
        let header_bytes_max = usize::try_from(limits.header_bytes_max).unwrap_or(usize::MAX);
        // hyper's header timeout would allocate and arm a timer for each request; the watchdog
        // covers what it covers. The auto builder hides `max_header_size`, but a header that does
        // not fit the buffer is refused all the same.
        http.http1().header_read_timeout(None).max_buf_size(header_bytes_max.max(BUFFER_BYTES_MIN));
        http.http2()
            .max_concurrent_streams(limits.streams_max)
            .max_header_list_size(limits.header_bytes_max)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_send_buf_size(window_bytes);
        Self { handler, http, limits, shutdown, counters, tasks, tls: None }
    }
}

/// Runs the requests of HTTP/2 connections. They end with their connection.
#[derive(Debug, Clone)]
struct StreamTasks(TaskTracker);

impl<F> Executor<F> for StreamTasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        drop(self.0.spawn(future));
    }
}

/// What the requests of one connection share: a count that other threads do not touch.
struct Peer<H> {
    handler: H,
    activity: Arc<Activity>,
    shutdown: Shutdown,
}

/// Why a connection is to end.
enum Ending {
    Gone,
    Draining,
    FirstRequest,
    Idle,
}

/// Serves one connection to its end.
pub(super) async fn supervise<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared<H>>,
) {
    let activity = Arc::new(Activity::new(Instant::now()));
    let (close, closing) = oneshot::channel();
    // Joined here; aborted with this future.
    let handler = shared.handler.connected(peer);
    let peer = Peer { handler, activity: Arc::clone(&activity), shutdown: shared.shutdown.clone() };
    let driving = drive(stream, Arc::clone(&shared), peer, closing);
    let mut driving = AbortOnDropHandle::new(shared.tasks.spawn(driving));
    match watch(&mut driving, &activity, &shared).await {
        Ending::Gone => return,
        Ending::Draining => {}
        Ending::FirstRequest => shared.counters.closed_first_request.add_one(),
        Ending::Idle => shared.counters.closed_idle.add_one(),
    }
    // Dropping it is the signal.
    drop(close);
    finish(driving, &activity, &shared.limits).await;
}

/// Speaks TLS where that is wanted, and then HTTP.
async fn drive<H: Handler>(
    stream: TcpStream,
    shared: Arc<Shared<H>>,
    peer: Peer<H>,
    mut closing: oneshot::Receiver<()>,
) {
    let Some(Tls(acceptor)) = &shared.tls else {
        return converse(stream, &shared, peer, closing).await;
    };
    // A handshake that takes too long is ended by the watchdog, as a first request that does.
    // Biased, and nothing starves: each arm ends it.
    let shaken = select! {
        biased;
        shaken = acceptor.accept(stream) => shaken,
        _closing = &mut closing => return,
    };
    match shaken {
        Ok(stream) => converse(stream, &shared, peer, closing).await,
        Err(error) => debug!(%error, "a TLS handshake failed"),
    }
}

/// Runs hyper on the connection, and closes it gracefully once the sender of `closing` is gone.
async fn converse<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    shared: &Shared<H>,
    peer: Peer<H>,
    closing: oneshot::Receiver<()>,
) {
    let peer = Arc::new(peer);
    let answer = service_fn(move |request: Request<Incoming>| {
        let peer = Arc::clone(&peer);
        let in_flight = peer.activity.begin();
        let is_last = is_disputed(&request);
        async move {
            let mut response = peer.handler.handle(request).await;
            if is_last {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response.body_mut().hold(in_flight, &peer.shutdown);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(shared.http.serve_connection(TokioIo::new(stream), answer));
    // Biased, and nothing starves: `closing` is polled whenever hyper has nothing to do.
    let ended = select! {
        biased;
        ended = connection.as_mut() => ended,
        _closing = closing => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection broke");
    }
}

/// Whether somebody in front may see another end of this request than we do: hyper reads chunks
/// wherever they are the last coding (RFC 9112, 6.3), and other servers only where they are the
/// only one. Then nothing is taken from behind it. hyper itself ends a connection after a request
/// with both a length and chunks.
fn is_disputed(request: &Request<Incoming>) -> bool {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    codings.next().is_some_and(|coding| !is_chunked(coding)) || codings.next().is_some()
}

/// Waits until the connection ends, or should.
async fn watch<H>(
    driving: &mut AbortOnDropHandle<()>,
    activity: &Activity,
    shared: &Shared<H>,
) -> Ending {
    let limits = &shared.limits;
    loop {
        let now = Instant::now();
        let idle_timeout = limits.idle_timeout_at(shared.counters.active());
        let (deadline, ending) = match activity.quiet() {
            // What ends after this is looked at again before its own time is over.
            Quiet::No => (now + idle_timeout, Ending::Idle),
            Quiet::BeforeFirstRequest(at) => {
                (at + limits.first_request_timeout, Ending::FirstRequest)
            }
            Quiet::Since(at) => (at + idle_timeout, Ending::Idle),
        };
        if deadline <= now {
            return ending;
        }
        // By then a first request may have come and gone, or the listener be crowded.
        let look_again = deadline.min(now + limits.idle_timeout.min(limits.idle_timeout_crowded));
        // Biased, and nothing starves: each arm but the last ends the loop.
        select! {
            biased;
            _ended = &mut *driving => return Ending::Gone,
            () = shared.shutdown.draining() => return Ending::Draining,
            () = sleep_until(look_again) => {}
        }
    }
}

/// Lets a connection that is closing finish, and cuts it off once nothing has been in flight for
/// the closing timeout: half a header, or a peer who does not read, would keep it open for ever.
async fn finish(mut driving: AbortOnDropHandle<()>, activity: &Activity, limits: &Limits) {
    let began = Instant::now();
    loop {
        let now = Instant::now();
        let quiet_since = match activity.quiet() {
            Quiet::No => now,
            Quiet::BeforeFirstRequest(at) | Quiet::Since(at) => at.max(began),
        };
        let deadline = quiet_since + limits.closing_timeout;
        if deadline <= now {
            driving.abort();
            // Once aborted, the task ends as soon as it is scheduled.
            drop(driving.await);
            return;
        }
        if timeout_at(deadline, &mut driving).await.is_ok() {
            return;
        }
    }
}
