//! The load: a closed loop of keep-alive connections, each with one ballot at a time, every ballot
//! a new voter's.
//!
//! It writes and reads HTTP/1.1 by hand, because on a small machine a client takes the servers'
//! CPU. It says `running` after the warm-up, and when everything sent is answered `ended` with the
//! 202s of the warm-up, those behind it, all other answers, and the microseconds since the warm-up.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use ballot::{Ballot, Token};
use benches::{Ballots, Poll, say};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::plan::{CONNECTIONS, SECONDS, SEED, TARGET, poll, told};

/// Until batches, buffers and caches are as they stay.
const WARM_UP: Duration = Duration::from_millis(500);
const WRITES: &str = "writing to a string never fails";

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
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
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
            self.write_request(&mut request);
            stream.write_all(request.as_bytes()).await?;
            let is_accepted = read_answer(&mut stream, &mut answer).await?;
            let mut answers = self.answers.get();
            answers[usize::from(self.is_warm.get())][usize::from(!is_accepted)] += 1;
            self.answers.set(answers);
        }
        Ok(())
    }

    fn write_request(&self, request: &mut String) {
        let Ballot { voter, choices, .. } = self.next_ballot();
        let token = Token { voter, follower: true, fresh: false, expires_at_s: u64::MAX };
        let token = self.poll.tokens.mint(&token);
        let id = &self.poll.campaign.id;
        let mut body = String::with_capacity(32);
        for number in choices.iter() {
            let comma = if body.is_empty() { "" } else { "," };
            write!(body, "{comma}{number}").expect(WRITES);
        }
        let length = body.len() + r#"{"choices":[]}"#.len();
        request.clear();
        write!(
            request,
            "POST /v1/campaigns/{id}/ballots HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \
             {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n\
             {{\"choices\":[{body}]}}"
        )
        .expect(WRITES);
    }

    fn next_ballot(&self) -> Ballot {
        let mut ballots = self.ballots.replace(Ballots::new(0, 0));
        let ballot = ballots.next().expect("ballots never end");
        self.ballots.set(ballots);
        ballot
    }
}

/// Reads one answer; whether it is a 202.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> io::Result<bool> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        if answer.len() >= head + 4 + content_length(&answer[..head]) {
            return Ok(answer.starts_with(b"HTTP/1.1 202 "));
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    let lines = head.split(|byte| *byte == b'\n');
    let values = lines.filter_map(|line| {
        let (name, value) = line.split_at_checked(b"content-length:".len())?;
        name.eq_ignore_ascii_case(b"content-length:").then_some(value)
    });
    let texts = values.filter_map(|value| std::str::from_utf8(value).ok());
    texts.filter_map(|text| text.trim().parse().ok()).next().unwrap_or(0)
}
