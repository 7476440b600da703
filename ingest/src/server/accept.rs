//! The accept loop and the drain of one listener.
//!
//! Invariant: every connection is a task of this function's, at most `connections_max` of them,
//! and when it returns or is dropped they are gone. Never here: a wait for one connection, or an
//! exit because accepting failed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep, timeout};
use tracing::{debug, error, warn};

use super::connection::{Shared, supervise};
use super::{Counters, Handler, Limits, Listening, Shutdown};

/// The first pause when accepting fails for want of something, such as file descriptors. Long
/// enough for some requests to end, short enough for the kernel's queue (128 to 4,096) to hold.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Such a want may last; it is asked again, and reported, no more than once a second.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// What dropped handlers have to be scheduled once more and end; only one that blocks needs more.
const FORCED_WAIT: Duration = Duration::from_secs(1);

/// How the connections ended that were open when the drain began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Finished what they had in flight.
    pub finished: u64,
    /// Were dropped when the drain was forced.
    pub dropped: u64,
}

/// Serves a listener until `shutdown` drains it and every connection is gone, or it is forced.
pub async fn serve<H: Handler>(
    listening: impl Into<Listening>,
    handler: H,
    limits: Limits,
    shutdown: Shutdown,
    counters: Arc<Counters>,
) -> Report {
    let Listening { listener, tls } = listening.into();
    let mut shared = Shared::new(handler, limits, shutdown, counters);
    shared.tls = tls;
    let shared = Arc::new(shared);
    // Joined below; aborted with this future. Bounded by `connections_max`.
    let mut connections = JoinSet::new();
    accept(&listener, &shared, &mut connections).await;
    // From here on the kernel refuses.
    drop(listener);
    drain(&shared, &mut connections).await
}

async fn accept<H: Handler>(
    listener: &TcpListener,
    shared: &Arc<Shared<H>>,
    connections: &mut JoinSet<()>,
) {
    let mut pause = Pause::default();
    let draining = shared.shutdown.draining();
    tokio::pin!(draining);
    loop {
        shared.counters.set_active(connections.len());
        // Biased, and nothing starves: the drain comes once, and no more connections end than
        // have been accepted.
        let accepted = select! {
            biased;
            () = &mut draining => return,
            Some(_ended) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => {
                pause.start_over();
                admit(accepted, shared, connections);
            }
            Err(error) if is_the_peers_fault(&error) => {}
            Err(error) => {
                shared.counters.accept_errors.add_one();
                pause.report(&error, Instant::now());
                select! {
                    biased;
                    () = &mut draining => return,
                    () = sleep(pause.next()) => {}
                }
            }
        }
    }
}

fn admit<H: Handler>(
    (stream, peer): (TcpStream, SocketAddr),
    shared: &Arc<Shared<H>>,
    connections: &mut JoinSet<()>,
) {
    if connections.len() >= shared.limits.connections_max {
        // Dropping the stream closes it: the peer hears at once and may go elsewhere.
        shared.counters.refused_at_cap.add_one();
        return;
    }
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "the peer was gone before it was served");
        return;
    }
    shared.counters.accepted.add_one();
    connections.spawn(supervise(stream, peer, Arc::clone(shared)));
}

async fn drain<H: Handler>(shared: &Arc<Shared<H>>, connections: &mut JoinSet<()>) -> Report {
    let mut report = Report::default();
    let forced = shared.shutdown.forced();
    tokio::pin!(forced);
    loop {
        shared.counters.set_active(connections.len());
        // Biased: who forces does not wait for those that happen to end just now.
        select! {
            biased;
            () = &mut forced => break,
            ended = connections.join_next() => match ended {
                Some(_ended) => report.finished += 1,
                None => break,
            }
        }
    }
    connections.abort_all();
    while let Some(ended) = connections.join_next().await {
        let dropped = ended.is_err_and(|error| error.is_cancelled());
        *(if dropped { &mut report.dropped } else { &mut report.finished }) += 1;
    }
    shared.counters.set_active(0);
    shared.tasks.close();
    if timeout(FORCED_WAIT, shared.tasks.wait()).await.is_err() {
        warn!("a handler blocks its thread and was left behind");
    }
    report
}

/// Whether accepting failed because this one peer went away, and says nothing of the next.
fn is_the_peers_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// How long to leave a failing listener alone, and when to speak of it.
#[derive(Debug, Default)]
struct Pause {
    last: Option<Duration>,
    reported: Option<Instant>,
}

impl Pause {
    fn next(&mut self) -> Duration {
        let next = self.last.map_or(PAUSE_MIN, |last| (last * 2).min(PAUSE_MAX));
        self.last = Some(next);
        next
    }

    fn start_over(&mut self) {
        self.last = None;
    }

    fn report(&mut self, error: &io::Error, now: Instant) {
        if self.reported.is_none_or(|reported| now - reported >= PAUSE_MAX) {
            self.reported = Some(now);
            error!(%error, "cannot accept connections; waiting for some to end");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_second_and_starts_over() {
        let mut pause = Pause::default();
        let pauses_ms: Vec<_> = (0..7).map(|_| pause.next().as_millis()).collect();
        assert_eq!(pauses_ms, [50, 100, 200, 400, 800, 1_000, 1_000]);
        pause.start_over();
        assert_eq!(pause.next(), PAUSE_MIN);
    }
}
