//! A closed loop of keep-alive connections that send the same request over and over.
//!
//! It says `running` after the warm-up, and when its time or its input has ended and everything
//! sent is answered, `ended` with the answers as they were due since the warm-up, all others, and
//! the microseconds since then.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use benches::{Error, ask, connect, orders, say, told};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::select;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::plan::{CONNECTIONS, REQUEST, SECONDS, STATUS, TARGET, WARM_UP};

/// Room for any answer here.
const ANSWER_BYTES: usize = 64 * 1024;

/// What the connections share; they are on one thread.
struct Shared {
    request: String,
    status: u16,
    is_over: Cell<bool>,
    /// As they were due, and others.
    answers: Cell<[u64; 2]>,
}

/// Connects, warms up, floods for the time it was told or until it is told to end.
pub(crate) fn run() -> Result<(), Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, flood())
}

async fn flood() -> Result<(), Error> {
    let shared = Rc::new(Shared {
        request: told(REQUEST)?,
        status: told(STATUS)?,
        is_over: Cell::new(false),
        answers: Cell::default(),
    });
    let (address, seconds) = (told(TARGET)?, Duration::from_secs_f64(told(SECONDS)?));
    let mut streams = Vec::new();
    for _ in 0..told::<usize>(CONNECTIONS)? {
        streams.push(connect(address).await?);
    }
    let mut connections = JoinSet::new();
    for stream in streams {
        connections.spawn_local(Rc::clone(&shared).keep_asking(stream));
    }
    sleep(WARM_UP).await;
    let end = CancellationToken::new();
    let ending = end.clone().drop_guard();
    // Never joined: it may wait for its input when the process ends.
    std::thread::spawn(move || {
        orders().next();
        drop(ending);
    });
    shared.answers.take();
    let warm_at = Instant::now();
    say("running")?;
    // Whichever comes first; both lead to the same.
    select! {
        biased;
        () = end.cancelled() => {}
        () = sleep(seconds) => {}
    }
    shared.is_over.set(true);
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    let [due, others] = shared.answers.get();
    say(&format!("ended {due} {others} {}", warm_at.elapsed().as_micros()))
}

impl Shared {
    async fn keep_asking(self: Rc<Self>, mut stream: TcpStream) -> io::Result<()> {
        let mut answer = Vec::with_capacity(ANSWER_BYTES);
        while !self.is_over.get() {
            let is_due = ask(&mut stream, &self.request, &mut answer).await? == self.status;
            let mut answers = self.answers.get();
            answers[usize::from(!is_due)] += 1;
            self.answers.set(answers);
        }
        Ok(())
    }
}
