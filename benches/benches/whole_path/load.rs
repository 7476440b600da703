//! The load: a closed loop of keep-alive connections, each with one ballot at a time, every ballot
//! a new voter's.
//!
//! It says `running` after the warm-up, and when everything sent is answered `ended` with the
//! 202s of the warm-up, those behind it, all other answers, and the microseconds since the warm-up.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use ballot::Ballot;
use benches::{Ballots, Poll, ask, connect, say};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::plan::{CONNECTIONS, SECONDS, SEED, TARGET, poll, told};

/// Until batches, buffers and caches are as they stay.
const WARM_UP: Duration = Duration::from_millis(500);

/// What the connections share; they are on one thread.
struct Shared {
    poll: Poll,
    ballots: Cell<Ballots>,
    ends_at: Cell<Instant>,
    is_warm: Cell<bool>,
    /// Answers 202 and others, before it is warm and after.
    answers: Cell<[[u64; 2]; 2]>,
}

/// Connects, warms up, runs for the time it was told, and ends.
pub(crate) fn run() -> Result<(), Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, load())
}

async fn load() -> Result<(), Error> {
    let address: SocketAddr = told(TARGET)?;
    let seconds = Duration::from_secs_f64(told(SECONDS)?);
    let mut streams = Vec::new();
    for _ in 0..told::<usize>(CONNECTIONS)? {
        streams.push(connect(address).await?);
    }
    let (poll, began) = (poll(), Instant::now());
    let shared = Rc::new(Shared {
        poll,
        ballots: Cell::new(Ballots::new(told(SEED)?, 0)),
        ends_at: Cell::new(began + WARM_UP + seconds),
        is_warm: Cell::new(false),
        answers: Cell::default(),
    });
    let mut connections = JoinSet::new();
    for stream in streams {
        connections.spawn_local(Rc::clone(&shared).keep_voting(stream));
    }
    sleep(WARM_UP).await;
    shared.is_warm.set(true);
    shared.ends_at.set(Instant::now() + seconds);
    let warm_at = Instant::now();
    say("running")?;
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    let [[before, others_before], [after, others]] = shared.answers.get();
    let (others, took) = (others_before + others, warm_at.elapsed().as_micros());
    say(&format!("ended {before} {after} {others} {took}"))
}

impl Shared {
    async fn keep_voting(self: Rc<Self>, mut stream: TcpStream) -> io::Result<()> {
        let (mut request, mut answer) = (String::new(), Vec::with_capacity(1_024));
        while Instant::now() < self.ends_at.get() {
            self.poll.write_request(&self.next_ballot(), &mut request);
            let is_accepted = ask(&mut stream, &request, &mut answer).await? == 202;
            let mut answers = self.answers.get();
            answers[usize::from(self.is_warm.get())][usize::from(!is_accepted)] += 1;
            self.answers.set(answers);
        }
        Ok(())
    }

    fn next_ballot(&self) -> Ballot {
        let mut ballots = self.ballots.replace(Ballots::new(0, 0));
        let ballot = ballots.next().expect("ballots never end");
        self.ballots.set(ballots);
        ballot
    }
}
