//! A call from its arrival to its answer: it is counted, perhaps delayed, perhaps made to fail.
//!
//! Invariant: a call takes effect, if it does, when it arrives and not when it is answered; a
//! peer that goes away early changes nothing about that, as over there.

use std::io;

use tokio::time::sleep;

use crate::endpoints::{Endpoint, Fault};
use crate::errcode::BUSY;
use crate::imitation::Imitation;
use crate::reply::{Reply, error, garbage, retyped};

/// Counts a call out, also when its peer has gone.
#[derive(Debug)]
struct Underway<'a>(&'a Imitation, Endpoint);

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.0.state().endpoints.of(self.1).at_once -= 1;
    }
}

/// Makes a call of an endpoint; `refused` makes the answer of an errcode.
///
/// # Errors
/// If the connection is to be closed in place of an answer.
pub(crate) async fn make(
    imitation: &Imitation,
    endpoint: Endpoint,
    call: impl FnOnce() -> Result<Reply, i32>,
    refused: impl FnOnce(i32) -> Reply,
) -> io::Result<Reply> {
    let (fault, latency) = {
        let mut state = imitation.state();
        let calls = state.endpoints.of(endpoint);
        (calls.arrive(), calls.latency)
    };
    let underway = Underway(imitation, endpoint);
    let done = match fault.and_then(Fault::in_place) {
        Some(code) => Err(code),
        None => call(),
    };
    if !latency.is_zero() {
        sleep(latency).await;
    }
    // Here and not at the end: what is answered is not under way any more.
    drop(underway);
    match fault {
        Some(Fault::Drop) => Err(io::Error::other("dropped on purpose")),
        Some(Fault::Garbage(status)) => Ok(garbage(status)),
        Some(Fault::Errcode(BUSY)) => Ok(refused(BUSY)),
        Some(Fault::ContentType(other)) => Ok(retyped(done.unwrap_or_else(refused), other)),
        Some(Fault::Errcode(_)) | None => Ok(done.unwrap_or_else(refused)),
    }
}

/// Makes a call of WeChat's interface for servers.
///
/// # Errors
/// If the connection is to be closed in place of an answer.
pub(crate) async fn of_server(
    imitation: &Imitation,
    endpoint: Endpoint,
    call: impl FnOnce() -> Result<Reply, i32>,
) -> io::Result<Reply> {
    make(imitation, endpoint, call, error).await
}
