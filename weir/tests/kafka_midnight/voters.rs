//! Voters who cast steadily, and what each of their attempts came to: the ledger.
//!
//! Voters come one after another and, when all have been there, in the same order again, so that
//! most vote on both days; some vote twice in a row. Voters of partition 3 mean the first day and
//! say so, so that it is idle on the second. After an answer that leaves a ballot in doubt the same
//! ballot is sent again, to the other edge.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ballot::{Receipt, Token, VoterId, VotingDay};
use journal::Clock as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::kit::voter;
use crate::process::Listening;

/// Forty a second, each voter a little less often than the first day is long.
const EVERY: Duration = Duration::from_millis(25);
const VOTERS: u64 = 900;
/// The partition without ballots on the second day.
pub(crate) const IDLE: u32 = 3;
/// How long a voter waits before a ballot in doubt is sent again, and how often it is.
const BACKOFF: Duration = Duration::from_millis(300);
const TRIES_MAX: u32 = 20;
/// An edge answers within its deadline of 5 s.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// A ballot sent to an edge and the answer. Times are the edge's own clock.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) voter: VoterId,
    pub(crate) choice: u32,
    pub(crate) meant: Option<VotingDay>,
    pub(crate) edge: usize,
    pub(crate) sent_ms: i64,
    pub(crate) answered_ms: i64,
    pub(crate) answer: Answer,
}

/// What an edge answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted(Receipt, VotingDay),
    /// Status and code.
    Refused(u64, String),
}

impl Answer {
    pub(crate) fn is_refused_as(&self, code: &str) -> bool {
        matches!(self, Self::Refused(_, said) if said == code)
    }
}

impl Listening {
    /// Sends a ballot and waits for the answer.
    pub(crate) async fn cast(
        &self,
        voter: VoterId,
        choice: u32,
        meant: Option<VotingDay>,
    ) -> Attempt {
        let expires_at_s = 4_000_000_000;
        let token = self.tokens.mint(&Token { voter, follower: true, fresh: false, expires_at_s });
        let mut ballot = json!({ "choices": [choice] });
        if let Some(day) = meant {
            ballot["day"] = day.to_string().into();
        }
        let sent_ms = self.clock.now_ms();
        let post = post(self.address, &self.campaign, &token, ballot.to_string());
        let answer = timeout(ANSWER_MAX, post).await.expect("an edge answers by its deadline");
        let answered_ms = self.clock.now_ms();
        Attempt { voter, choice, meant, edge: 0, sent_ms, answered_ms, answer }
    }
}

/// Casts until told to stop, and waits for the last answers.
pub(crate) async fn cast_steadily(
    edges: Arc<[Listening; 2]>,
    first: VotingDay,
    stop: CancellationToken,
) -> Vec<Attempt> {
    let mut casting = JoinSet::new();
    let mut ticks = interval(EVERY);
    let mut number = 0;
    // Biased: the stop comes once.
    while tokio::select! {
        biased;
        () = stop.cancelled() => false,
        _ = ticks.tick() => true,
    } {
        casting.spawn(come(Arc::clone(&edges), number, first));
        number += 1;
    }
    casting.join_all().await.into_iter().flatten().collect()
}

/// A voter's coming: a ballot, and with some voters another one at once.
async fn come(edges: Arc<[Listening; 2]>, number: u64, first: VotingDay) -> Vec<Attempt> {
    let (low, round) = (number % VOTERS, number / VOTERS);
    let edge = if (low / 4 + round).is_multiple_of(2) { 0 } else { 1 };
    let mut attempts = Vec::new();
    let mut choice = 1;
    let accepted_by = cast_until_answered(&edges, edge, (low, choice), first, &mut attempts).await;
    let again = match low % 6 {
        // A change of mind, where the first ballot is not known and where it is.
        0 => {
            choice = 2;
            1 - accepted_by
        }
        1 => {
            choice = 2;
            accepted_by
        }
        // An answer that got lost.
        2 => accepted_by,
        _ => return attempts,
    };
    cast_until_answered(&edges, again, (low, choice), first, &mut attempts).await;
    attempts
}

/// Casts until an edge has answered for certain, and answers which.
async fn cast_until_answered(
    edges: &[Listening; 2],
    mut edge: usize,
    (low, choice): (u64, u32),
    first: VotingDay,
    attempts: &mut Vec<Attempt>,
) -> usize {
    let partition = low % 4;
    let meant = (partition == u64::from(IDLE)).then_some(first);
    for _ in 0..TRIES_MAX {
        let cast = edges[edge].cast(voter(partition, low), choice, meant).await;
        let unknown = matches!(cast.answer, Answer::Refused(503, _));
        attempts.push(Attempt { edge, ..cast });
        if !unknown {
            return edge;
        }
        edge = 1 - edge;
        sleep(BACKOFF).await;
    }
    panic!("no edge answered for certain: {attempts:?}")
}

/// One request on a connection of its own.
async fn post(address: SocketAddr, campaign: &str, token: &str, body: String) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST /v1/campaigns/{campaign}/ballots HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let json: Value = serde_json::from_str(body).unwrap();
    if text.starts_with("HTTP/1.1 202 ") {
        let day = json["day"].as_str().unwrap().parse().unwrap();
        return Answer::Accepted(json["receipt"].as_str().unwrap().parse().unwrap(), day);
    }
    let code = json["code"].as_str().unwrap().to_owned();
    Answer::Refused(json["status"].as_u64().unwrap(), code)
}
