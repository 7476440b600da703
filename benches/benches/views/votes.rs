//! Ballots at a steady rate, each of a new voter: every connection casts one every half second, and
//! together they are evenly spread.
//!
//! Latency is from the instant at which a ballot was due, so what the sender is late itself is in
//! it, and is also told alone. Says `running` after the warm-up and at the end `ended` with
//! ballots, errors (no 202, a broken connection), the ballots' p50, p99 and worst, and the sender's
//! p99, all in microseconds.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use benches::{Ballots, Error, Poll, ask, connect, say, told};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep_until};

use crate::plan::{CONNECTIONS, EVERY, SECONDS, SEED, STARTED, TARGET, WARM_UP};

/// What the connections share; they are on one thread.
struct Shared {
    address: SocketAddr,
    poll: Poll,
    warm_at: Instant,
    ends_at: Instant,
    cast: RefCell<Vec<Cast>>,
}

/// A ballot that was due behind the warm-up.
#[derive(Debug, Clone, Copy)]
struct Cast {
    took: Duration,
    /// From when it was due until it was sent.
    late: Duration,
    is_error: bool,
}

/// Connects, warms up, and votes for the time it was told.
pub(crate) fn run() -> Result<(), Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, vote())
}

async fn vote() -> Result<(), Error> {
    let (address, seed, count): (_, u64, u32) = (told(TARGET)?, told(SEED)?, told(CONNECTIONS)?);
    let mut streams = Vec::new();
    for _ in 0..count {
        streams.push(connect(address).await?);
    }
    let begins_at = Instant::now();
    let warm_at = begins_at + WARM_UP;
    let ends_at = warm_at + Duration::from_secs_f64(told(SECONDS)?);
    let poll = Poll::started(told(STARTED)?);
    let shared = Rc::new(Shared { address, poll, warm_at, ends_at, cast: RefCell::default() });
    let mut connections = JoinSet::new();
    for (place, stream) in (0..count).zip(streams) {
        // Seeds begin at 1, and no two connections of a run have one in common.
        let ballots = Ballots::new(seed * u64::from(count) + u64::from(place), 0);
        let first_at = begins_at + EVERY / count * place;
        connections.spawn_local(Rc::clone(&shared).keep_voting(stream, ballots, first_at));
    }
    sleep_until(warm_at).await;
    say("running")?;
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    let cast = shared.cast.take();
    let errors = cast.iter().filter(|one| one.is_error).count();
    let took = Sorted::new(cast.iter().map(|one| one.took));
    let late = Sorted::new(cast.iter().map(|one| one.late));
    let [p50, p99, worst] = [50, 99, 100].map(|percent| took.percentile_us(percent));
    let late = late.percentile_us(99);
    say(&format!("ended {} {errors} {p50} {p99} {worst} {late}", cast.len()))
}

impl Shared {
    async fn keep_voting(
        self: Rc<Self>,
        mut stream: TcpStream,
        ballots: Ballots,
        mut due: Instant,
    ) -> io::Result<()> {
        let (mut request, mut answer) = (String::new(), Vec::with_capacity(1_024));
        for ballot in ballots {
            if due >= self.ends_at {
                break;
            }
            self.poll.write_request(&ballot, &mut request);
            sleep_until(due).await;
            let late = due.elapsed();
            let status = ask(&mut stream, &request, &mut answer).await;
            let (took, is_error) = (due.elapsed(), !matches!(status, Ok(202)));
            if due >= self.warm_at {
                self.cast.borrow_mut().push(Cast { took, late, is_error });
            }
            if status.is_err() {
                stream = connect(self.address).await?;
            }
            due += EVERY;
        }
        Ok(())
    }
}

/// Times in order.
struct Sorted(Vec<Duration>);

impl Sorted {
    fn new(times: impl Iterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.collect();
        times.sort_unstable();
        Self(times)
    }

    /// The least time that so many per cent do not exceed.
    fn percentile_us(&self, percent: usize) -> u128 {
        let place = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0.get(place).map_or(0, Duration::as_micros)
    }
}
